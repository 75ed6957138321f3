/* SPDX-License-Identifier: Apache-2.0 */

#include <ctype.h>
#include <inttypes.h>

#include "base/string.h"
#include "base/task-dir.h"
#include "task/name.h"

/*
 * Makes @s a host name label: other characters than letters and digits become dashes, and dashes at the
 * beginning are removed. Return: whether anything changed.
 */
static bool make_host_name(char *s) {
        bool changed = false;

        for (char *p = s; *p; p++)
                if (!isalnum((unsigned char) *p) && *p != '-') {
                        *p = '-';
                        changed = true;
                }

        size_t skip = strspn(s, "-");
        if (skip > 0) {
                memmove(s, s + skip, strlen(s) - skip + 1);
                changed = true;
        }

        return changed;
}

static void trim_dashes(char *s) {
        for (size_t n = strlen(s); n > 0 && s[n - 1] == '-'; n--)
                s[n - 1] = 0;
}

char *machine_name_make(const char *task, const char *instance) {
        _cleanup_free_ char *head = xstrdup(task), *tail = xstrdup(instance ? instance : "");
        _cleanup_free_ char *whole = xasprintf("%s%s%s", task, *tail ? "-" : "", tail);
        const size_t hash_length = 1 + 8;

        bool changed = make_host_name(head) | make_host_name(tail);
        trim_dashes(head);
        trim_dashes(tail);
        if (!changed && *head && streq(head, task) && strlen(whole) <= MACHINE_NAME_MAX &&
                string_has_suffix(whole, tail))
                return TAKE_PTR(whole);

        /* Leaves out an instance that is too long to leave room for a name: the hash contains it. */
        size_t tail_length = *tail ? 1 + strlen(tail) : 0;
        if (tail_length + hash_length + 1 > MACHINE_NAME_MAX)
                tail_length = 0;

        size_t room = MACHINE_NAME_MAX - tail_length - hash_length;
        if (strlen(head) > room)
                head[room] = 0;
        trim_dashes(head);

        return xasprintf("%s-%08" PRIx32 "%s%s", *head ? head : "task", (uint32_t) string_hash(whole),
                tail_length ? "-" : "", tail_length ? tail : "");
}

bool machine_name_is_valid(const char *machine) {
        size_t n = strlen(machine);

        for (const char *p = machine; *p; p++)
                if (!isalnum((unsigned char) *p) && *p != '-')
                        return false;
        return n > 0 && n <= MACHINE_NAME_MAX && *machine != '-';
}

/* Bytes of a UUID (RFC 9562). */
#define UUID_BYTES 16

/* Return: whether @text is a UUID, with dashes or without; its bytes are in @ret then. */
static bool uuid_parse(const char *text, uint8_t ret[static UUID_BYTES]) {
        size_t n = 0;

        for (; *text; text++) {
                const char *digits = "0123456789abcdef",
                           *digit = strchr(digits, tolower((unsigned char) *text));

                if (*text == '-')
                        continue;
                if (!digit || n == 2 * (size_t) UUID_BYTES)
                        return false;
                ret[n / 2] = (uint8_t) ((n % 2 == 0 ? 0 : ret[n / 2] << 4) | (digit - digits));
                n++;
        }
        return n == 2 * (size_t) UUID_BYTES;
}

char *machine_id_make(const char *instance, const char *task) {
        _cleanup_free_ char *front = xasprintf("%s/%s", instance, task),
                            *back = xasprintf("%s/%s", task, instance);
        const uint64_t hashes[] = { string_hash(front), string_hash(back) };
        _cleanup_string_buffer_ StringBuffer id = {};
        uint8_t bytes[UUID_BYTES];

        if (!uuid_parse(instance, bytes))
                return NULL;
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] ^= (uint8_t) (hashes[i / 8] >> i % 8 * 8);

        /* Version 4 and the variant, which systemd expects of a machine id (sd-id128(3)). */
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        for (size_t i = 0; i < sizeof(bytes); i++)
                string_buffer_append(&id, "%02x", bytes[i]);
        return string_buffer_take(&id);
}

char *unit_name_make(const char *machine) {
        return xasprintf(TASK_UNIT_NAME, machine);
}

char *unit_name_to_machine(const char *unit) {
        const char *machine = string_after_prefix(unit, "nspawn-");

        if (!machine || !string_has_suffix(machine, ".service") || streq(machine, ".service"))
                return NULL;
        return xstrndup(machine, strlen(machine) - strlen(".service"));
}
