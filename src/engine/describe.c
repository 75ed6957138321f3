/* SPDX-License-Identifier: Apache-2.0 */

#include <unistd.h>

#include "base/string.h"
#include "base/strv.h"
#include "engine/describe.h"
#include "engine/launch.h"
#include "engine/programs.h"
#include "engine/task.h"
#include "image/local.h"
#include "image/search.h"
#include "unit/task-dir.h"
#include "unit/unit-file.h"

struct Description {
        Engine *engine;
        const TaskRequest *request;
        Root root;
        ImageSearch *search;
        Described done;
        void *userdata;
};

/* The helper starts the unit's program, so the unit does not contain the program's command line. */
static void append_arguments(StringBuffer *buffer, char *const *args) {
        string_buffer_append(buffer, "\n# ExecStart= becomes:\n");
        STRV_FOREACH (word, args) {
                string_buffer_append(buffer, word == args ? "#   " : "#       ");
                unit_file_append_word(buffer, *word, UNIT_FILE_PLAIN);
                string_buffer_append(buffer, "\n");
        }
}

/* Return: 0, or a negative errno with @ret_error set. */
static int describe(const Description *description, char **ret, Error **ret_error) {
        const Isolation *isolation = isolation_find(ISOLATION_DEFAULT);
        const Engine *engine = description->engine;
        const TaskRequest *request = description->request;
        const Root *root = &description->root;
        _cleanup_free_ char *directory = task_dir_path(engine->runtime_directory, request->identity.machine);
        unsigned version = system_bus_version(engine->system_bus);
        UnitHost host = launch_host(engine, directory);
        _cleanup_string_buffer_ StringBuffer buffer = {};
        _cleanup_free_ char *unit = NULL;
        _cleanup_plan_ UnitPlan *plan = NULL;

        /* The socket of a terminal comes in a message; any number stands for its descriptor in the text. */
        host.descriptors = launch_descriptors(
                engine, isolation, request, -1, request->spec.tty ? STDIN_FILENO : -1);
        int r = transient_plan(isolation, request, root, &host, &plan, ret_error);
        if (r >= 0)
                r = plan_to_unit_file(plan, version, &unit, ret_error);
        if (r < 0)
                return r;

        _cleanup_strv_ char **args = isolation->arguments(request, root, &host);
        string_buffer_append(&buffer, "%s", unit);
        append_arguments(&buffer, args);
        *ret = string_buffer_take(&buffer);
        return 0;
}

static void on_image(void *userdata, Root *root, const Error *failure) {
        Description *description = userdata;
        _cleanup_error_ Error *error = NULL;
        _cleanup_free_ char *text = NULL;

        if (!root) {
                description->done(description->userdata, NULL, failure);
                return;
        }

        description->root = *root;
        if (image_check(description->request, root, &error) >= 0)
                (void) describe(description, &text, &error);
        description->done(description->userdata, text, error);
}

int description_new(Engine *engine, const TaskRequest *request, Described done, void *userdata,
        Description **ret, Error **ret_error) {
        _cleanup_(description_freep) Description *description = xnew(Description, 1);
        int r = engine_check_host(engine, ret_error);

        *description = (Description){
                .engine = engine,
                .request = request,
                .done = done,
                .userdata = userdata,
        };
        if (r >= 0)
                r = image_search_new(engine->system_bus, request->spec.image, engine->image_directory,
                        on_image, description, &description->search, ret_error);
        if (r >= 0)
                *ret = TAKE_PTR(description);
        return r;
}

Description *description_free(Description *description) {
        if (!description)
                return NULL;

        image_search_free(description->search);
        root_clear(&description->root);
        free(description);
        return NULL;
}
