/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/string.h"
#include "cli/command.h"
#include "cli/yaml-task.h"

int command_validate(int argc, char **argv) {
        int status = EXIT_SUCCESS;

        if (argc == 0 || *argv[0] == '-')
                return (void) fprintf(stderr, "usage: nspawnctl validate FILE...\n"), EXIT_USAGE;

        for (int i = 0; i < argc; i++) {
                _cleanup_task_request_ TaskRequest *request = NULL;
                _cleanup_error_ Error *error = NULL;

                if (yaml_task_load(argv[i], &request, &error) >= 0) {
                        (void) printf("%s: valid\n", argv[i]);
                        continue;
                }
                (void) fprintf(stderr, "%s\n", error_message(error));
                status = EXIT_FAILURE;
        }
        return status;
}
