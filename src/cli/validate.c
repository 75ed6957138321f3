/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>

#include "base/string.h"
#include "cli/verb.h"
#include "cli/yaml-task.h"

int validate_main(App *app _unused_, const VerbArguments *arguments) {
        int status = EXIT_SUCCESS;

        for (size_t i = 0; i < arguments->n_operands; i++) {
                _cleanup_task_request_ TaskRequest *request = NULL;
                _cleanup_error_ Error *error = NULL;

                if (yaml_task_load(arguments->operands[i], &request, &error) >= 0) {
                        (void) printf("%s: valid\n", arguments->operands[i]);
                        continue;
                }
                (void) fprintf(stderr, "%s\n", error_message(error));
                status = EXIT_FAILURE;
        }
        return status;
}
