/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The mode of pipes and FIFOs that a task gets as its output. Some tasks open their own streams by name:
 * images of nginx, httpd and haproxy log to /dev/stdout. That is /proc/self/fd/1, and the kernel then checks
 * the mode of what it finds there. The owner is a user whom the container may not know: any user may write.
 */
#define STREAM_MODE 0622
