/* SPDX-License-Identifier: Apache-2.0 */

#include <systemd/sd-id128.h>

#include "base/string.h"
#include "bus/property-read.h"

int property_read_string(sd_bus_message *m, void *member) {
        const char *s;
        int r = sd_bus_message_read_basic(m, 's', &s);

        if (r > 0)
                string_replace(member, s);
        return r;
}

int property_read_u32(sd_bus_message *m, void *member) {
        return sd_bus_message_read_basic(m, 'u', member);
}

int property_read_i32(sd_bus_message *m, void *member) {
        return sd_bus_message_read_basic(m, 'i', member);
}

int property_read_u64(sd_bus_message *m, void *member) {
        return sd_bus_message_read_basic(m, 't', member);
}

int property_read_id128(sd_bus_message *m, void *member) {
        char text[SD_ID128_STRING_MAX];
        const void *bytes;
        sd_id128_t id;
        size_t n;
        int r = sd_bus_message_read_array(m, 'y', &bytes, &n);

        if (r < 0 || n != sizeof(id))
                return r;

        memcpy(&id, bytes, sizeof(id));
        string_replace(member, sd_id128_to_string(id, text));
        return 1;
}

int property_read(sd_bus_message *m, const PropertyRow *row, void *ret) {
        int r = sd_bus_message_enter_container(m, 'v', row->signature);

        if (r >= 0)
                r = row->read(m, (char *) ret + row->offset);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static const PropertyRow *row_find(const PropertyRow *rows, size_t n_rows, const char *name) {
        for (size_t i = 0; i < n_rows; i++)
                if (streq(rows[i].name, name))
                        return rows + i;
        return NULL;
}

int properties_read(sd_bus_message *m, const PropertyRow *rows, size_t n_rows, void *ret) {
        const char *name;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(m, 's', &name);
                if (r < 0)
                        break;

                const PropertyRow *row = row_find(rows, n_rows, name);
                r = row ? property_read(m, row, ret) : sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}
