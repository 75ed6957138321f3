/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Records of the task file, which says what must not stand in a command line: a letter, text, NUL. Shared
 * with the static programs, which take nothing else from here. The last of a kind counts, but for variables.
 */
#define TASK_ENVIRONMENT 'E' /* NAME=value */
#define TASK_USER 'U'        /* NAME or ID, with :GROUP if wanted */
