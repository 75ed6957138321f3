/* SPDX-License-Identifier: Apache-2.0 */

#include <jansson.h>
#include <msgpack.h>

#include "box.h"

/* Configurations in msgpack, as an agent sends them. */

static void pack(msgpack_packer *packer, json_t *value) {
        const char *key;
        json_t *item;
        size_t i;

        if (json_is_object(value)) {
                (void) msgpack_pack_map(packer, json_object_size(value));
                json_object_foreach(value, key, item) {
                        (void) msgpack_pack_str_with_body(packer, key, strlen(key));
                        pack(packer, item);
                }
        } else if (json_is_array(value)) {
                (void) msgpack_pack_array(packer, json_array_size(value));
                json_array_foreach(value, i, item) pack(packer, item);
        } else if (json_is_string(value))
                (void) msgpack_pack_str_with_body(
                        packer, json_string_value(value), json_string_length(value));
        else if (json_is_integer(value))
                (void) msgpack_pack_int64(packer, json_integer_value(value));
        else if (json_is_boolean(value))
                (void) (json_is_true(value) ? msgpack_pack_true(packer) : msgpack_pack_false(packer));
        else
                (void) msgpack_pack_nil(packer);
}

static json_t *json_of(const char *quoted) {
        _cleanup_free_ char *text = xstrdup(quoted);
        json_error_t error;

        for (char *p = text; *p; p++)
                if (*p == '\'')
                        *p = '"';
        json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
        cr_assert_not_null(value, "%s: %s", text, error.text);
        return value;
}

static ProtobufCBinaryData pack_json(json_t *value) {
        ProtobufCBinaryData data;
        msgpack_sbuffer buffer;
        msgpack_packer packer;

        msgpack_sbuffer_init(&buffer);
        msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
        pack(&packer, value);
        data.len = buffer.size;
        data.data = (uint8_t *) msgpack_sbuffer_release(&buffer);
        return data;
}

ProtobufCBinaryData msgpack_of(const char *json) {
        json_t *value = json_of(json);
        ProtobufCBinaryData data = pack_json(value);

        json_decref(value);
        return data;
}

ProtobufCBinaryData driver_config_of(const char *script, const char *config) {
        _cleanup_free_ char *image = xasprintf("%s/images/hello", test_directory());
        json_t *value = json_pack(
                "{s:s, s:b, s:b, s:b}", "image", image, "boot", 0, "read_only", 1, "network_veth", 0);
        json_t *more = json_of(config ? config : "{}");

        if (script)
                (void) json_object_set_new(
                        value, "command", json_pack("[s, s, s]", "/bin/sh", "-c", script));
        (void) json_object_update(value, more);
        ProtobufCBinaryData data = pack_json(value);
        json_decref(value);
        json_decref(more);
        return data;
}
