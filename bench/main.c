/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/options.h>
#include <stdlib.h>

#include "bench.h"

/*
 * bench JSON: as root in the test host, as run.sh there prepares it.
 *
 * The processes of the measurements begin here as well and are led elsewhere by Criterion, which has to find
 * the symbol for that.
 */
__attribute__((visibility("default"))) int main(int argc, char *argv[]) {
        char name[] = "bench", sequential[] = "--jobs=1";
        char *arguments[] = { argc > 0 ? argv[0] : name, sequential, NULL };

        struct criterion_test_set *tests = criterion_initialize();
        bool good = criterion_handle_args(2, arguments, true) != 0;

        if (good && argc == 2) {
                bench_begin();
                good = criterion_run_all_tests(tests) != 0;
                good = bench_print(argv[1]) && good;
        } else
                (void) fprintf(stderr, "usage: %s FILE.json\n", arguments[0]);
        criterion_finalize(tests);
        return good && argc == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
