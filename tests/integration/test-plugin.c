/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "box.h"

/* Calls that need no container: what the plugin reports about itself and the host. */
TestSuite(plugin, .timeout = TEST_SEC);
/* Tests that change the whole host or need it for themselves: none runs beside another. */
TestSuite(alone, .timeout = TEST_SEC);

Test(plugin, started_by_hand_says_what_it_is_and_fails) {
        int status;
        _cleanup_free_ char *text = shell(&status,
                "env -u NOMAD_PLUGIN_MAGIC_COOKIE %s/plugins/nomad-driver-nspawn 2>&1 </dev/null",
                test_directory());

        cr_assert_eq(status, 1);
        expect_text(text, "plugin");
        expect_text(text, "Nomad");
}

Test(plugin, handshake_names_protocol_two_and_a_unix_socket) {
        _cleanup_agent_ Agent agent = agent_start();
        const char *line = plugin_line(agent.plugin);

        cr_assert_not_null(string_after_prefix(line, "1|2|unix|/"), "%s", line);
        free(shell_good("test -S %s", plugin_socket(agent.plugin)));
        free(shell_good(
                "test \"$(stat -c %%u:%%a %s)\" = 0:600 || test \"$(stat -c %%a $(dirname %s))\" = 700",
                plugin_socket(agent.plugin), plugin_socket(agent.plugin)));
}

Test(plugin, says_that_it_is_the_driver_nspawn) {
        _cleanup_agent_ Agent agent = agent_start();
        Base__PluginInfoRequest request = BASE__PLUGIN_INFO_REQUEST__INIT;
        Base__PluginInfoResponse *reply = agent_call(
                &agent, BASE "PluginInfo", &request, &base__plugin_info_response__descriptor);

        cr_assert_eq(reply->type, BASE__PLUGIN_TYPE__DRIVER);
        cr_assert_str_eq(reply->name, "nspawn");
        cr_assert_eq(reply->n_plugin_api_versions, 1);
        cr_assert_str_eq(reply->plugin_api_versions[0], "v0.1.0");
        base__plugin_info_response__free_unpacked(reply, NULL);
}

static const Hcl__Spec *row_of(const Hcl__Spec *spec, const char *name) {
        cr_assert_eq(spec->block_case, HCL__SPEC__BLOCK_OBJECT);
        for (size_t i = 0; i < spec->object->n_attributes; i++)
                if (streq(spec->object->attributes[i]->key, name))
                        return spec->object->attributes[i]->value;
        cr_assert_fail("the schema has no %s", name);
        abort();
}

Test(plugin, schema_of_its_config_has_the_defaults) {
        _cleanup_agent_ Agent agent = agent_start();
        Base__ConfigSchemaRequest request = BASE__CONFIG_SCHEMA_REQUEST__INIT;
        Base__ConfigSchemaResponse *reply = agent_call(
                &agent, BASE "ConfigSchema", &request, &base__config_schema_response__descriptor);
        static const char *const rows[][2] = {
                { "enabled", "true" },
                { "volumes", "true" },
                { "disable_log_collection", "false" },
        };

        cr_assert_eq(reply->spec->object->n_attributes, ELEMENTSOF(rows) + 1);
        cr_assert_eq(row_of(reply->spec, "orphan_timeout")->block_case, HCL__SPEC__BLOCK_ATTR);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                const Hcl__Spec *row = row_of(reply->spec, rows[i][0]);

                cr_assert_eq(row->block_case, HCL__SPEC__BLOCK_DEFAULT);
                cr_assert_str_eq(row->default_->primary->attr->type, "bool");
                cr_assert_str_eq(row->default_->default_->literal->value, rows[i][1]);
        }
        base__config_schema_response__free_unpacked(reply, NULL);
}

Test(plugin, schema_of_tasks_has_every_option_of_the_go_driver) {
        static const char *const names[] = { "image", "boot", "command", "read_only", "ephemeral",
                "volatile", "process_two", "user", "working_directory", "environment", "bind",
                "bind_read_only", "capability", "console", "pivot_root", "resolv_conf", "user_namespacing",
                "private_users", "private_users_ownership", "network_veth" };
        _cleanup_agent_ Agent agent = agent_start();
        Driver__TaskConfigSchemaRequest request = DRIVER__TASK_CONFIG_SCHEMA_REQUEST__INIT;
        Driver__TaskConfigSchemaResponse *reply = agent_call(&agent, DRIVER "TaskConfigSchema", &request,
                &driver__task_config_schema_response__descriptor);

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                (void) row_of(reply->spec, names[i]);
        cr_assert(row_of(reply->spec, "image")->attr->required);
        cr_assert_str_eq(row_of(reply->spec, "boot")->default_->default_->literal->value, "true");
        driver__task_config_schema_response__free_unpacked(reply, NULL);
}

Test(plugin, capabilities_are_image_isolation_group_networks_signals_and_exec) {
        _cleanup_agent_ Agent agent = agent_start();
        Driver__CapabilitiesRequest request = DRIVER__CAPABILITIES_REQUEST__INIT;
        Driver__CapabilitiesResponse *reply = agent_call(
                &agent, DRIVER "Capabilities", &request, &driver__capabilities_response__descriptor);
        const Driver__DriverCapabilities *c = reply->capabilities;

        cr_assert_eq(c->fs_isolation, DRIVER__DRIVER_CAPABILITIES__FS_ISOLATION__IMAGE);
        cr_assert_eq(c->n_network_isolation_modes, 2);
        cr_assert_eq(c->network_isolation_modes[0], DRIVER__NETWORK_ISOLATION_SPEC__MODE__HOST);
        cr_assert_eq(c->network_isolation_modes[1], DRIVER__NETWORK_ISOLATION_SPEC__MODE__GROUP);
        cr_assert(!c->must_create_network && !c->disable_log_collection);
        cr_assert(c->send_signals && c->exec);
        driver__capabilities_response__free_unpacked(reply, NULL);
}

Test(plugin, unknown_methods_are_refused_as_unimplemented) {
        static const char *const paths[] = { DRIVER "CreateNetwork", DRIVER "DestroyNetwork",
                DRIVER "NoSuchMethod", "/no.such.Service/Method" };
        _cleanup_agent_ Agent agent = agent_start();
        Driver__InitRequest request = DRIVER__INIT_REQUEST__INIT;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                _cleanup_free_ char *text = agent_call_fails(
                        &agent, paths[i], &request, GRPC_STATUS_UNIMPLEMENTED);
                cr_assert_str_not_empty(text, "%s", paths[i]);
        }
}

Test(plugin, init_and_shutdown_are_answered_and_change_nothing_for_tasks) {
        _cleanup_agent_ Agent agent = agent_start();
        Driver__InitRequest init = DRIVER__INIT_REQUEST__INIT;
        Driver__ShutdownRequest shutdown = DRIVER__SHUTDOWN_REQUEST__INIT;
        Driver__CapabilitiesRequest request = DRIVER__CAPABILITIES_REQUEST__INIT;

        for (size_t i = 0; i < 2; i++) {
                free(agent_call(&agent, DRIVER "Init", &init, &driver__init_response__descriptor));
                free(agent_call(
                        &agent, DRIVER "Shutdown", &shutdown, &driver__shutdown_response__descriptor));
        }
        driver__capabilities_response__free_unpacked(agent_call(&agent, DRIVER "Capabilities", &request,
                                                             &driver__capabilities_response__descriptor),
                NULL);
}

Test(plugin, stop_and_destroy_of_an_unknown_task_succeed_and_other_calls_do_not_find_it) {
        _cleanup_agent_ Agent agent = agent_start();
        Driver__InspectTaskRequest inspect = DRIVER__INSPECT_TASK_REQUEST__INIT;
        Driver__WaitTaskRequest wait = DRIVER__WAIT_TASK_REQUEST__INIT;
        Driver__StopTaskRequest stop = DRIVER__STOP_TASK_REQUEST__INIT;
        Driver__DestroyTaskRequest destroy = DRIVER__DESTROY_TASK_REQUEST__INIT;
        Driver__TaskStatsRequest stats = DRIVER__TASK_STATS_REQUEST__INIT;
        Driver__ExecTaskRequest exec = DRIVER__EXEC_TASK_REQUEST__INIT;
        ProtobufCMessage *sample = NULL;
        char id[] = "none/such/1";

        inspect.task_id = wait.task_id = stop.task_id = destroy.task_id = stats.task_id = exec.task_id = id;
        _cleanup_client_call_ ClientCall *stream = client_open(
                agent.client, DRIVER "TaskStats", &stats.base);
        cr_assert_eq(client_next(stream, &driver__task_stats_response__descriptor, LIMIT_MSEC, &sample), 0);
        cr_assert_eq(client_status(stream, LIMIT_MSEC, NULL, NULL), GRPC_STATUS_OK);
        free(agent_call(&agent, DRIVER "StopTask", &stop, &driver__stop_task_response__descriptor));
        free(agent_call(&agent, DRIVER "DestroyTask", &destroy, &driver__destroy_task_response__descriptor));
        _cleanup_free_ char *a = agent_call_fails(
                &agent, DRIVER "InspectTask", &inspect, GRPC_STATUS_NOT_FOUND);
        _cleanup_free_ char *b = agent_call_fails(&agent, DRIVER "WaitTask", &wait, GRPC_STATUS_NOT_FOUND);
        _cleanup_free_ char *c = agent_call_fails(&agent, DRIVER "ExecTask", &exec, GRPC_STATUS_NOT_FOUND);
        cr_assert_str_eq(a, "task not found for given id");
        cr_assert_str_eq(b, a);
        cr_assert_str_eq(c, a);
}

Test(alone, shutdown_exits_within_a_second_although_streams_are_open) {
        _cleanup_agent_ Agent agent = agent_start();
        Driver__FingerprintRequest request = DRIVER__FINGERPRINT_REQUEST__INIT;
        _cleanup_client_call_ ClientCall *stream = client_open(
                agent.client, DRIVER "Fingerprint", &request.base);
        ProtobufCMessage *first = NULL;
        int status;

        cr_assert_eq(client_next(stream, &driver__fingerprint_response__descriptor, LIMIT_MSEC, &first), 1);
        protobuf_c_message_free_unpacked(first, NULL);

        double begin = now();
        (void) client_call(agent.client, "/plugin.GRPCController/Shutdown", &request.base, NULL, NULL, NULL);
        cr_assert_eq(plugin_wait(agent.plugin, 10000, &status), 0);
        measured("Shutdown until the plugin is gone", "%.3f s", now() - begin);
        cr_assert_lt(now() - begin, 1.0);
        cr_assert_eq(status, 0);
        free(shell_good("! test -e %s", plugin_socket(agent.plugin)));
}

static Driver__FingerprintResponse *next_fingerprint(ClientCall *stream) {
        ProtobufCMessage *message = NULL;

        cr_assert_eq(
                client_next(stream, &driver__fingerprint_response__descriptor, LIMIT_MSEC, &message), 1);
        return (Driver__FingerprintResponse *) message;
}

static const Driver__Attribute *attribute(const Driver__FingerprintResponse *f, const char *name) {
        for (size_t i = 0; i < f->n_attributes; i++)
                if (streq(f->attributes[i]->key, name))
                        return f->attributes[i]->value;
        cr_assert_fail("no attribute %s", name);
        abort();
}

static void expect_healthy(ClientCall *stream, bool volumes) {
        Driver__FingerprintResponse *f = next_fingerprint(stream);
        _cleanup_free_ char *version = xasprintf("%u", systemd_version());

        cr_assert_eq(
                f->health, DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__HEALTHY, "%s", f->health_description);
        cr_assert(attribute(f, "driver.nspawn")->bool_val);
        cr_assert_str_eq(attribute(f, "driver.nspawn.version")->string_val, version);
        cr_assert_eq(attribute(f, "driver.nspawn.volumes")->bool_val, volumes);
        driver__fingerprint_response__free_unpacked(f, NULL);
}

static void expect_undetected(ClientCall *stream, const char *reason) {
        Driver__FingerprintResponse *f = next_fingerprint(stream);

        cr_assert_eq(f->health, DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__UNDETECTED);
        expect_text(f->health_description, reason);
        cr_assert_str_empty(attribute(f, "driver.nspawn")->string_val);
        cr_assert_str_empty(attribute(f, "driver.nspawn.version")->string_val);
        driver__fingerprint_response__free_unpacked(f, NULL);
}

static ClientCall *fingerprint(Agent *agent) {
        Driver__FingerprintRequest request = DRIVER__FINGERPRINT_REQUEST__INIT;

        return client_open(agent->client, DRIVER "Fingerprint", &request.base);
}

Test(plugin, fingerprint_comes_at_once_and_with_every_new_config) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_client_call_ ClientCall *stream = fingerprint(&agent);

        expect_healthy(stream, true);
        agent_configure(&agent, "{'enabled': false}");
        expect_undetected(stream, "enabled");
        agent_configure(&agent, "{'volumes': false}");
        expect_healthy(stream, false);
        agent_configure(&agent, NULL);
        expect_healthy(stream, true);
        agent_configure(&agent, "{'enabled': null, 'volumes': null}");
        expect_healthy(stream, true);
}

Test(plugin, a_wrong_config_is_refused_by_name) {
        static const struct {
                const char *config, *words;
        } rows[] = { { "{'enabled': 'perhaps'}", "enabled" }, { "{'no_such': true}", "no_such" } };
        _cleanup_agent_ Agent agent = agent_start();

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                Base__SetConfigRequest request = BASE__SET_CONFIG_REQUEST__INIT;

                request.msgpack_config = msgpack_of(rows[i].config);
                _cleanup_free_ char *text = agent_call_fails(
                        &agent, BASE "SetConfig", &request, GRPC_STATUS_INVALID_ARGUMENT);
                expect_text(text, rows[i].words);
                free(request.msgpack_config.data);
        }
}

Test(alone, fingerprint_follows_systemd_nspawn_coming_and_going) {
        _cleanup_agent_ Agent agent = agent_start();
        _cleanup_client_call_ ClientCall *stream = fingerprint(&agent);
        int moved, back;

        expect_healthy(stream, true);
        free(shell(&moved, "mv /usr/bin/systemd-nspawn /usr/bin/systemd-nspawn.away"));
        ProtobufCMessage *gone = NULL, *again = NULL;
        int r = client_next(stream, &driver__fingerprint_response__descriptor, LIMIT_MSEC, &gone);
        /* Put it back before anything can fail: the other tests need it. */
        free(shell(&back, "mv /usr/bin/systemd-nspawn.away /usr/bin/systemd-nspawn"));
        cr_assert(moved == 0 && back == 0);

        cr_assert_eq(r, 1);
        Driver__FingerprintResponse *f = (Driver__FingerprintResponse *) gone;
        cr_assert_eq(f->health, DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__UNDETECTED);
        expect_text(f->health_description, "systemd-nspawn is not installed");
        protobuf_c_message_free_unpacked(gone, NULL);

        /* There may be more than one message about a change; the last one counts. */
        for (int health = 0; health != DRIVER__FINGERPRINT_RESPONSE__HEALTH_STATE__HEALTHY;) {
                cr_assert_eq(
                        client_next(stream, &driver__fingerprint_response__descriptor, LIMIT_MSEC, &again),
                        1);
                health = ((Driver__FingerprintResponse *) again)->health;
                protobuf_c_message_free_unpacked(again, NULL);
        }
}
