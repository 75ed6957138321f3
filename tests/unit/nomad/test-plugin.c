/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/service-box.h"
#include "client.h"
#include "nomad/driver-service.h"
#include "nomad/handshake.h"

TestSuite(plugin, .timeout = 30);

Test(plugin, signals_and_commands_are_capabilities) {
        Driver__DriverCapabilities capabilities;

        driver_capabilities_fill(&(DriverConfig){}, &capabilities);
        cr_assert(capabilities.send_signals && capabilities.exec && !capabilities.must_create_network);
        cr_assert_eq(capabilities.fs_isolation, DRIVER__DRIVER_CAPABILITIES__FS_ISOLATION__IMAGE);
        cr_assert_eq(capabilities.n_network_isolation_modes, 2);
}

Test(plugin, nomad_is_told_not_to_collect_output) {
        Driver__DriverCapabilities capabilities;

        driver_capabilities_fill(&(DriverConfig){}, &capabilities);
        cr_assert_not(capabilities.disable_log_collection);
        driver_capabilities_fill(&(DriverConfig){ .disable_log_collection = true }, &capabilities);
        cr_assert(capabilities.disable_log_collection);
}

/* Makes the socket that a killed plugin leaves; only a plugin that serves an agent removes it. */
static void leave_socket(ServiceBox *service, char **ret_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        service->plugin.socket_directory = service->groups.root;
        *ret_path = xasprintf("%s/left.sock", service->groups.root);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", *ret_path);
        cr_assert_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0, "%m");
}

static void call(const ServiceBox *service, const char *path, const void *request) {
        _cleanup_free_ char *text = NULL;

        cr_assert_eq(client_call(service->client, path, request, NULL, NULL, &text), GRPC_STATUS_OK,
                "%s: %s", path, text);
}

static void set_config(const ServiceBox *service, bool with_nomads) {
        Base__SetConfigRequest request = BASE__SET_CONFIG_REQUEST__INIT;
        Base__NomadConfig nomad = BASE__NOMAD_CONFIG__INIT;

        request.nomad_config = with_nomads ? &nomad : NULL;
        call(service, SERVICE_BOX_BASE "SetConfig", &request);
}

static void init(const ServiceBox *service) {
        Driver__InitRequest request = DRIVER__INIT_REQUEST__INIT;

        call(service, SERVICE_BOX_DRIVER "Init", &request);
}

static void shut_down(const ServiceBox *service) {
        Driver__ShutdownRequest request = DRIVER__SHUTDOWN_REQUEST__INIT;

        call(service, SERVICE_BOX_DRIVER "Shutdown", &request);
}

static bool is_there(const char *path) {
        return access(path, F_OK) >= 0;
}

Test(plugin, init_begins_the_use_of_a_plugin_that_was_only_looked_at) {
        _cleanup_free_ char *left = NULL;
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service.plugin.in_use = false;
        leave_socket(&service, &left);
        service_box_begin(&service);
        set_config(&service, false);
        cr_expect(is_there(left), "an agent that only validates changes nothing on the host");
        init(&service);
        cr_expect_not(is_there(left));
        init(&service);
        service_box_end(&service);
        cr_expect(service.plugin.in_use);
}

Test(plugin, an_agent_without_init_begins_with_its_own_configuration) {
        _cleanup_free_ char *left = NULL;
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service.plugin.in_use = false;
        leave_socket(&service, &left);
        service_box_begin(&service);
        set_config(&service, false);
        cr_expect(is_there(left));
        set_config(&service, true);
        cr_expect_not(is_there(left));
        service_box_end(&service);
}

Test(plugin, shutdown_ends_the_use_and_leaves_tasks_alone_and_init_begins_it_again) {
        Driver__InspectTaskRequest inspect = DRIVER__INSPECT_TASK_REQUEST__INIT;
        _cleanup_free_ char *left = NULL;
        char id[] = "one";
        _cleanup_service_box_ ServiceBox service;

        service_box_open(&service);
        service_box_begin(&service);
        shut_down(&service);
        inspect.task_id = id;
        call(&service, SERVICE_BOX_DRIVER "InspectTask", &inspect);
        service_box_end(&service);
        cr_expect_not(service.plugin.in_use);
        cr_expect_eq(task_state(service.engine.task), TASK_RUNNING);

        leave_socket(&service, &left);
        service_box_begin(&service);
        init(&service);
        cr_expect_not(is_there(left));
        service_box_end(&service);
}
