/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"
#include "box/group-box.h"
#include "kernel/cgroup.h"

/* Reads a file as in a control group: after the group was removed, open files give ENODEV. */
static ssize_t read_at(int fd, void *buffer, size_t size, off_t offset) {
        struct stat st;

        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0) {
                errno = ENODEV;
                return -1;
        }
        return syscall(SYS_pread64, fd, buffer, size, offset);
}

/* These replace the functions of the C library. */
ssize_t pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room);

ssize_t pread(int fd, void *buffer, size_t size, off_t offset) {
        return read_at(fd, buffer, size, offset);
}

ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room) {
        cr_assert_leq(size, room);
        return read_at(fd, buffer, size, offset);
}

static CgroupUsage read_once(const GroupBox *groups, uint32_t wanted) {
        _cleanup_cgroup_reader_ CgroupReader *reader = cgroup_reader_new(
                groups->root, GROUP_BOX_NAME, wanted);
        CgroupUsage usage;

        cgroup_reader_read(reader, &usage);
        return usage;
}

static void expect(const CgroupUsage *usage, CgroupValue value, uint64_t number) {
        cr_expect(cgroup_usage_has(usage, value), "%d is not measured", (int) value);
        cr_expect_eq(usage->values[value], number, "%d: %" PRIu64, (int) value, usage->values[value]);
}

static size_t count_descriptors(void) {
        DIR *directory = opendir("/proc/self/fd");
        size_t n = 0;

        cr_assert_not_null(directory);
        while (readdir(directory))
                n++;
        (void) closedir(directory);
        return n;
}

static void write_everything(const GroupBox *groups) {
        group_box_write(groups, "cpu.stat",
                "usage_usec 5000000\nuser_usec 3000000\nsystem_usec 2000000\n"
                "nr_periods 70\nnr_throttled 7\nthrottled_usec 12345\nnr_bursts 0\nburst_usec 0\n");
        group_box_write(groups, "memory.current", "9437184\n");
        group_box_write(groups, "memory.peak", "10485760\n");
        group_box_write(groups, "memory.swap.current", "0\n");
        group_box_write(groups, "memory.stat",
                "anon 4096\nfile 8192\nkernel 1024\nkernel_stack 512\nfile_mapped 77\nanon_thp 88\n");
        group_box_write(groups, "pids.current", "3\n");
        group_box_write(groups, "io.stat",
                "8:0 rbytes=1000 wbytes=20 rios=3 wios=4 dbytes=5 dios=6\n"
                "259:1 rbytes=100 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n254:0 \n");
}

Test(cgroup, every_value_is_read_from_its_file) {
        _cleanup_group_box_ GroupBox groups;

        group_box_open(&groups);
        write_everything(&groups);
        CgroupUsage usage = read_once(&groups, CGROUP_ALL);

        static const uint64_t expected[_CGROUP_VALUE_MAX] = {
                [CGROUP_CPU_USEC] = 5000000,
                [CGROUP_CPU_USER_USEC] = 3000000,
                [CGROUP_CPU_SYSTEM_USEC] = 2000000,
                [CGROUP_CPU_THROTTLED] = 7,
                [CGROUP_CPU_THROTTLED_USEC] = 12345,
                [CGROUP_MEMORY_CURRENT] = 9437184,
                [CGROUP_MEMORY_PEAK] = 10485760,
                [CGROUP_MEMORY_ANON] = 4096,
                [CGROUP_MEMORY_FILE] = 8192,
                [CGROUP_MEMORY_KERNEL] = 1024,
                [CGROUP_MEMORY_SWAP] = 0,
                [CGROUP_TASKS] = 3,
                [CGROUP_IO_READ] = 1100,
                [CGROUP_IO_WRITTEN] = 22,
        };
        for (CgroupValue value = 0; value < _CGROUP_VALUE_MAX; value++)
                expect(&usage, value, expected[value]);
        cr_expect_eq(usage.measured, CGROUP_ALL);
}

Test(cgroup, what_is_missing_or_makes_no_sense_is_not_measured) {
        static const struct {
                const char *file, *text;
                uint32_t measured;
                CgroupValue value;
                uint64_t number;
        } rows[] = {
                { "memory.current", NULL, 0, CGROUP_MEMORY_CURRENT, 0 },
                { "memory.current", "", 0, CGROUP_MEMORY_CURRENT, 0 },
                { "memory.current", "\n", 0, CGROUP_MEMORY_CURRENT, 0 },
                { "memory.current", "max\n", 0, CGROUP_MEMORY_CURRENT, 0 },
                { "memory.current", "-1\n", 0, CGROUP_MEMORY_CURRENT, 0 },
                { "memory.current", "12 \n", 0, CGROUP_MEMORY_CURRENT, 0 },
                { "memory.current", "18446744073709551615\n", CGROUP_BIT(CGROUP_MEMORY_CURRENT),
                        CGROUP_MEMORY_CURRENT, UINT64_MAX },
                { "memory.current", "18446744073709551616\n", 0, CGROUP_MEMORY_CURRENT, 0 },
                { "cpu.stat", "usage_usec 7\n", CGROUP_BIT(CGROUP_CPU_USEC), CGROUP_CPU_USEC, 7 },
                { "cpu.stat", "usage_usec\nuser_usec x\nsystem_usec 3\n", CGROUP_BIT(CGROUP_CPU_SYSTEM_USEC),
                        CGROUP_CPU_SYSTEM_USEC, 3 },
                { "cpu.stat", "core_sched.usage_usec 7\nusage_usec_more 8\n 9\n", 0, CGROUP_CPU_USEC, 0 },
                { "memory.stat", "anon_thp 5\nanonymous 6\nanon 7\n", CGROUP_BIT(CGROUP_MEMORY_ANON),
                        CGROUP_MEMORY_ANON, 7 },
                { "io.stat", "", 0, CGROUP_IO_READ, 0 },
                { "io.stat", "8:0\n8:1 rbytes\n8:2 rbytes=\n8:3 rbytes=x =5\n", 0, CGROUP_IO_READ, 0 },
                { "io.stat", "8:0 rbytes=18446744073709551615\n8:1 rbytes=2\n", CGROUP_BIT(CGROUP_IO_READ),
                        CGROUP_IO_READ, UINT64_MAX },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_group_box_ GroupBox groups;

                group_box_open(&groups);
                if (rows[i].text)
                        group_box_write(&groups, rows[i].file, rows[i].text);
                CgroupUsage usage = read_once(&groups, CGROUP_ALL);
                cr_expect_eq(usage.measured, rows[i].measured, "row %zu: %x", i, usage.measured);
                cr_expect_eq(usage.values[rows[i].value], rows[i].number, "row %zu", i);
        }
}

Test(cgroup, files_longer_than_the_buffer_are_read_to_their_end) {
        _cleanup_group_box_ GroupBox groups;
        _cleanup_string_buffer_ StringBuffer text = {};

        group_box_open(&groups);
        for (unsigned i = 0; i < 3000; i++)
                string_buffer_append(&text, "8:%u rbytes=10 wbytes=1\n", i);
        group_box_write(&groups, "io.stat", text.text);
        CgroupUsage usage = read_once(&groups, CGROUP_ALL);
        expect(&usage, CGROUP_IO_READ, 30000);
        expect(&usage, CGROUP_IO_WRITTEN, 3000);

        /* A line that is too long is ignored. */
        string_buffer_clear(&text);
        for (unsigned i = 0; i < 10000; i++)
                string_buffer_append(&text, "rbytes=1 ");
        group_box_write(&groups, "io.stat", text.text);
        usage = read_once(&groups, CGROUP_ALL);
        cr_expect_eq(usage.measured, 0);
}

Test(cgroup, only_what_is_wanted_is_opened) {
        _cleanup_group_box_ GroupBox groups;
        CgroupUsage usage;

        group_box_open(&groups);
        write_everything(&groups);
        size_t before = count_descriptors();
        _cleanup_cgroup_reader_ CgroupReader *reader = cgroup_reader_new(
                groups.root, GROUP_BOX_NAME, CGROUP_BIT(CGROUP_TASKS) | CGROUP_BIT(CGROUP_CPU_USER_USEC));
        cr_expect_eq(count_descriptors(), before);
        cgroup_reader_read(reader, &usage);

        expect(&usage, CGROUP_TASKS, 3);
        expect(&usage, CGROUP_CPU_USER_USEC, 3000000);
        cr_expect_eq(usage.measured, CGROUP_BIT(CGROUP_TASKS) | CGROUP_BIT(CGROUP_CPU_USER_USEC));
        cr_expect_eq(usage.values[CGROUP_CPU_USEC], 0);
        cr_expect_eq(count_descriptors(), before + 2);
}

Test(cgroup, descriptors_are_kept_between_samples) {
        _cleanup_group_box_ GroupBox groups;
        CgroupUsage usage;

        group_box_open(&groups);
        write_everything(&groups);
        _cleanup_free_ char *path = group_box_path(&groups, "pids.current");
        _cleanup_free_ char *away = group_box_path(&groups, "elsewhere");
        _cleanup_cgroup_reader_ CgroupReader *reader = cgroup_reader_new(
                groups.root, GROUP_BOX_NAME, CGROUP_ALL);
        cgroup_reader_read(reader, &usage);
        size_t before = count_descriptors();

        group_box_write(&groups, "pids.current", "4\n");
        cr_assert_eq(rename(path, away), 0);
        group_box_write(&groups, "pids.current", "5\n");
        cgroup_reader_read(reader, &usage);
        expect(&usage, CGROUP_TASKS, 4);
        cr_expect_eq(count_descriptors(), before);
}

Test(cgroup, a_group_that_was_made_anew_is_found_again) {
        _cleanup_group_box_ GroupBox groups;
        CgroupUsage usage;

        group_box_open(&groups);
        write_everything(&groups);
        _cleanup_cgroup_reader_ CgroupReader *reader = cgroup_reader_new(
                groups.root, GROUP_BOX_NAME, CGROUP_ALL);
        cgroup_reader_read(reader, &usage);
        cr_expect_eq(usage.measured, CGROUP_ALL);
        size_t before = count_descriptors();

        group_box_remove(&groups);
        cgroup_reader_read(reader, &usage);
        cr_expect_eq(usage.measured, 0);
        cr_expect_eq(usage.values[CGROUP_TASKS], 0);

        group_box_make(&groups);
        group_box_write(&groups, "pids.current", "9\n");
        cgroup_reader_read(reader, &usage);
        cr_expect_eq(usage.measured, CGROUP_BIT(CGROUP_TASKS));
        expect(&usage, CGROUP_TASKS, 9);

        /* A group is also found again if no sample was taken while there was none. */
        group_box_remove(&groups);
        group_box_make(&groups);
        write_everything(&groups);
        cgroup_reader_read(reader, &usage);
        cr_expect_eq(usage.measured, CGROUP_ALL);
        expect(&usage, CGROUP_TASKS, 3);
        cr_expect_eq(count_descriptors(), before);
}

Test(cgroup, without_a_group_nothing_is_measured) {
        static const char *const rows[] = { NULL, "" };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_group_box_ GroupBox groups;
                CgroupUsage usage;

                /* The root itself must not be taken for the unit's. */
                group_box_open(&groups);
                _cleanup_free_ char *path = xasprintf("%s/pids.current", groups.root);
                cr_assert_eq(file_write_private(path, "5\n", 2), 0);
                _cleanup_cgroup_reader_ CgroupReader *reader = cgroup_reader_new(
                        groups.root, rows[i], CGROUP_ALL);
                cgroup_reader_read(reader, &usage);
                cr_expect_eq(usage.measured, 0);
                cr_expect_null(cgroup_path(groups.root, rows[i], "pids.current"));
        }
}

Test(cgroup, paths_are_below_the_hosts_tree_unless_told) {
        _cleanup_free_ char *a = cgroup_path(NULL, "/a.slice/b.service", NULL),
                            *b = cgroup_path("/tmp/x", "/b.service", "cpu.stat");

        cr_expect_str_eq(a, "/sys/fs/cgroup/a.slice/b.service");
        cr_expect_str_eq(b, "/tmp/x/b.service/cpu.stat");
        cr_expect_null(cgroup_reader_free(NULL));
}
