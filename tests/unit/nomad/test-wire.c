/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <errno.h>

#include "base.pb-c.h"
#include "base/string.h"
#include "driver.pb-c.h"
#include "health.pb-c.h"
#include "hclspec.pb-c.h"
#include "nomad/wire.h"
#include "plugin.pb-c.h"

TestSuite(wire, .timeout = 60);

#define BUDGET (1024 * 1024)

/* Return: a packed StartTaskRequest with fields of several kinds. */
static uint8_t *pack_task(const char *id, const char *value, size_t *ret_n) {
        Driver__TaskConfig__EnvEntry entry = DRIVER__TASK_CONFIG__ENV_ENTRY__INIT;
        Driver__TaskConfig__EnvEntry *env[] = { &entry };
        Driver__TaskConfig task = DRIVER__TASK_CONFIG__INIT;
        Driver__StartTaskRequest request = DRIVER__START_TASK_REQUEST__INIT;
        static uint8_t config[] = { 0x81, 0x00, 0xff };

        entry.key = (char *) "NAME";
        entry.value = (char *) value;
        task.id = (char *) id;
        task.env = env;
        task.n_env = 1;
        task.msgpack_driver_config = (ProtobufCBinaryData){ .data = config, .len = sizeof(config) };
        request.task = &task;

        uint8_t *bytes = xcalloc(driver__start_task_request__get_packed_size(&request), 1);
        *ret_n = driver__start_task_request__pack(&request, bytes);
        return bytes;
}

static void expect_failure(const uint8_t *bytes, size_t n, size_t budget, int code, const char *words) {
        _cleanup_error_ Error *error = NULL;
        ProtobufCMessage *message = NULL;

        cr_assert_eq(
                wire_unpack(&driver__start_task_request__descriptor, bytes, n, budget, &message, &error),
                -code);
        cr_assert_null(message);
        cr_assert(strstr(error->message, words), "%s", error->message);
}

Test(wire, good_message_is_unpacked) {
        size_t n;
        _cleanup_free_ uint8_t *bytes = pack_task("id", "häh", &n);
        _cleanup_wire_ ProtobufCMessage *message = NULL;

        cr_assert_eq(
                wire_unpack(&driver__start_task_request__descriptor, bytes, n, BUDGET, &message, NULL), 0);
        Driver__StartTaskRequest *request = (Driver__StartTaskRequest *) message;
        cr_assert_str_eq(request->task->id, "id");
        cr_assert_str_eq(request->task->env[0]->value, "häh");
        cr_assert_eq(request->task->msgpack_driver_config.len, 3, "bytes are free");
}

Test(wire, text_that_is_not_utf8_is_named) {
        size_t n;
        _cleanup_free_ uint8_t *bytes = pack_task("id", "caf\xe9", &n);

        expect_failure(bytes, n, BUDGET, EBADMSG, "task: env: value is not valid UTF-8");
}

Test(wire, nul_inside_a_text_is_named) {
        size_t n;
        _cleanup_free_ uint8_t *bytes = pack_task("abcd", "", &n);

        uint8_t *id = memmem(bytes, n, "abcd", 4);
        id[2] = 0;
        expect_failure(bytes, n, BUDGET, EBADMSG, "task: id has a NUL byte in it");
}

Test(wire, cut_message_is_refused) {
        size_t n;
        _cleanup_free_ uint8_t *bytes = pack_task("abcd", "efgh", &n);

        for (size_t i = 1; i < n; i++) {
                _cleanup_free_ uint8_t *copy = xmemdup(bytes, i);

                expect_failure(copy, i, BUDGET, EBADMSG, "broken");
        }
}

Test(wire, memory_is_bounded) {
        size_t n = 2 * 100000;
        _cleanup_free_ uint8_t *bytes = xcalloc(n + 8, 1);

        /* task { env {} env {} ... }: two bytes each, about 60 bytes when unpacked */
        bytes[0] = 0x0a;
        bytes[1] = 0xc0;
        bytes[2] = 0x9a;
        bytes[3] = 0x0c;
        for (size_t i = 0; i < n; i += 2)
                bytes[4 + i] = 0x22;
        expect_failure(bytes, n + 4, BUDGET, E2BIG, "takes more than");
}

Test(wire, random_changes_do_no_harm) {
        size_t n;
        _cleanup_free_ uint8_t *bytes = pack_task("a-task/of/some-name", "value", &n);
        uint32_t seed = 3;

        for (unsigned i = 0; i < 50000; i++) {
                uint8_t *copy = xmemdup(bytes, n);
                _cleanup_wire_ ProtobufCMessage *message = NULL;

                for (unsigned j = 0; j < 1 + i % 3; j++) {
                        seed = seed * 1103515245 + 12345;
                        copy[(seed >> 8) % n] = (uint8_t) (seed >> 20);
                }
                (void) wire_unpack(&driver__start_task_request__descriptor, copy, n, BUDGET, &message, NULL);
                free(copy);
        }
}

Test(wire, types_that_contain_themselves_are_known) {
        const ProtobufCServiceDescriptor *const services[] = { &driver__driver__descriptor,
                &base__base_plugin__descriptor, &health__health__descriptor,
                &plugin__grpcbroker__descriptor };

        cr_assert(wire_is_recursive(&hcl__spec__descriptor));
        cr_assert(wire_is_recursive(&driver__task_config_schema_response__descriptor));
        for (size_t i = 0; i < ELEMENTSOF(services); i++)
                for (unsigned j = 0; j < services[i]->n_methods; j++)
                        cr_assert_not(wire_is_recursive(services[i]->methods[j].input));
}

Test(wire, texts_are_repaired_everywhere) {
        size_t n;
        _cleanup_free_ uint8_t *bytes = pack_task("id\xff", "caf\xe9", &n);

        ProtobufCMessage *message = protobuf_c_message_unpack(
                &driver__start_task_request__descriptor, NULL, n, bytes);
        wire_repair_text(message);
        Driver__StartTaskRequest *request = (Driver__StartTaskRequest *) message;
        cr_assert_str_eq(request->task->id, "id\xef\xbf\xbd");
        cr_assert_str_eq(request->task->env[0]->value, "caf\xef\xbf\xbd");
        cr_assert_str_eq(request->task->env[0]->key, "NAME");
        protobuf_c_message_free_unpacked(message, NULL);

        /* A text in a oneof field. */
        Driver__Attribute attribute = DRIVER__ATTRIBUTE__INIT;
        attribute.value_case = DRIVER__ATTRIBUTE__VALUE_STRING_VAL;
        attribute.string_val = (char *) "\xff";
        uint8_t packed[64];
        n = driver__attribute__pack(&attribute, packed);
        message = protobuf_c_message_unpack(&driver__attribute__descriptor, NULL, n, packed);
        wire_repair_text(message);
        cr_assert_str_eq(((Driver__Attribute *) message)->string_val, "\xef\xbf\xbd");
        protobuf_c_message_free_unpacked(message, NULL);

        attribute.value_case = DRIVER__ATTRIBUTE__VALUE_INT_VAL;
        attribute.int_val = -1;
        n = driver__attribute__pack(&attribute, packed);
        message = protobuf_c_message_unpack(&driver__attribute__descriptor, NULL, n, packed);
        wire_repair_text(message);
        cr_assert_eq(((Driver__Attribute *) message)->int_val, -1);
        protobuf_c_message_free_unpacked(message, NULL);
}
