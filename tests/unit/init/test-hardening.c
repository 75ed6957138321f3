/* SPDX-License-Identifier: Apache-2.0 */

#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/string.h"

/*
 * How the programs are protected, read from their files (elf(5)). Two of them are static and read data of a
 * container's root as root of the host: the init and the helper.
 */
TestSuite(hardening, .timeout = 30);

static const struct {
        const char *variable, *path;
        bool is_static;
} programs[] = {
        { "TEST_INIT", "build/release/nspawn-units-init", true },
        { "TEST_HELPER", "build/release/nspawn-units-helper", true },
        { "TEST_DRIVER", "build/release/nomad-driver-nspawn", false },
        { "TEST_CTL", "build/release/nspawnctl", false },
};

typedef struct Elf {
        const char *path;
        const char *bytes;
        size_t size;
        const ElfW(Ehdr) * header;
} Elf;

static const void *elf_at(const Elf *elf, size_t offset, size_t n) {
        cr_assert(offset <= elf->size && n <= elf->size - offset, "%s ends early", elf->path);
        return elf->bytes + offset;
}

static Elf elf_open(size_t program) {
        const char *path = getenv(programs[program].variable);
        Elf elf = { .path = path ? path : programs[program].path };
        _cleanup_fd_ int fd = open(elf.path, O_RDONLY | O_CLOEXEC);
        struct stat st;

        cr_assert(fd >= 0 && fstat(fd, &st) >= 0, "%s", elf.path);
        elf.size = (size_t) st.st_size;
        elf.bytes = mmap(NULL, elf.size, PROT_READ, MAP_PRIVATE, fd, 0);
        cr_assert_neq(elf.bytes, MAP_FAILED);
        elf.header = elf_at(&elf, 0, sizeof(*elf.header));
        cr_assert_eq(memcmp(elf.header->e_ident, ELFMAG, SELFMAG), 0);
        return elf;
}

static const ElfW(Phdr) * elf_segment(const Elf *elf, unsigned i) {
        return elf_at(elf, elf->header->e_phoff + i * sizeof(ElfW(Phdr)), sizeof(ElfW(Phdr)));
}

static const ElfW(Shdr) * elf_section(const Elf *elf, unsigned i) {
        return elf_at(elf, elf->header->e_shoff + i * sizeof(ElfW(Shdr)), sizeof(ElfW(Shdr)));
}

static const ElfW(Phdr) * elf_find_segment(const Elf *elf, ElfW(Word) type) {
        for (unsigned i = 0; i < elf->header->e_phnum; i++)
                if (elf_segment(elf, i)->p_type == type)
                        return elf_segment(elf, i);
        return NULL;
}

/* Return: the value of a row of the dynamic section, or 0 if there is none. */
static uint64_t elf_dynamic(const Elf *elf, ElfW(Sxword) tag) {
        const ElfW(Phdr) *segment = elf_find_segment(elf, PT_DYNAMIC);

        for (size_t at = 0; segment && at < segment->p_filesz; at += sizeof(ElfW(Dyn))) {
                const ElfW(Dyn) *row = elf_at(elf, segment->p_offset + at, sizeof(*row));

                if (row->d_tag == tag)
                        return row->d_un.d_val;
        }
        return 0;
}

static bool has_suffix(const char *name, const char *suffix) {
        size_t n = strlen(name), m = strlen(suffix);

        return n >= m && strcmp(name + n - m, suffix) == 0;
}

static bool has_prefix(const char *name, const char *prefix) {
        return string_after_prefix(name, prefix) != NULL;
}

/* Return: the first symbol for which @matches returns true, or NULL. */
static const ElfW(Sym) *
        elf_find_symbol(
                const Elf *elf, bool (*matches)(const char *name, const char *wanted), const char *wanted) {
        for (unsigned i = 0; i < elf->header->e_shnum; i++) {
                const ElfW(Shdr) *table = elf_section(elf, i);

                if (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM)
                        continue;
                const ElfW(Shdr) *names = elf_section(elf, table->sh_link);
                for (size_t at = 0; at < table->sh_size; at += sizeof(ElfW(Sym))) {
                        const ElfW(Sym) *symbol = elf_at(elf, table->sh_offset + at, sizeof(*symbol));

                        if (matches(elf_at(elf, names->sh_offset + symbol->st_name, 1), wanted))
                                return symbol;
                }
        }
        return NULL;
}

Test(hardening, all_are_loaded_at_a_random_address) {
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                Elf elf = elf_open(i);

                cr_expect_eq(elf.header->e_type, ET_DYN, "%s", elf.path);
                cr_expect(elf_dynamic(&elf, DT_FLAGS_1) & DF_1_PIE, "%s", elf.path);
        }
}

Test(hardening, static_programs_need_no_interpreter) {
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                Elf elf = elf_open(i);

                cr_expect_eq(
                        elf_find_segment(&elf, PT_INTERP) == NULL, programs[i].is_static, "%s", elf.path);
        }
}

Test(hardening, addresses_of_functions_are_bound_at_the_start_and_read_only_then) {
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                Elf elf = elf_open(i);

                cr_expect_not_null(elf_find_segment(&elf, PT_GNU_RELRO), "%s", elf.path);
                cr_expect(elf_dynamic(&elf, DT_FLAGS_1) & DF_1_NOW, "%s", elf.path);
        }
}

Test(hardening, nothing_is_writable_and_executable) {
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                Elf elf = elf_open(i);

                cr_expect_not_null(elf_find_segment(&elf, PT_GNU_STACK), "%s", elf.path);
                for (unsigned k = 0; k < elf.header->e_phnum; k++) {
                        const ElfW(Phdr) *segment = elf_segment(&elf, k);

                        cr_expect_neq(segment->p_flags & (PF_W | PF_X), PF_W | PF_X, "%s", elf.path);
                        cr_expect_not(
                                segment->p_type == PT_GNU_STACK && segment->p_flags & PF_X, "%s", elf.path);
                        cr_expect_not(segment->p_type == PT_LOAD && segment->p_offset == 0 &&
                                        segment->p_flags & PF_X,
                                "%s: data can be executed", elf.path);
                }
        }
}

Test(hardening, stacks_are_guarded) {
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                Elf elf = elf_open(i);

                cr_expect_not_null(elf_find_symbol(&elf, has_prefix, "__stack_chk_fail"), "%s", elf.path);
        }
}

/* Only the static programs: a build with sanitizers has the others without libc's checks. */
Test(hardening, static_programs_have_libcs_checks_of_buffers) {
        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                Elf elf = elf_open(i);

                if (programs[i].is_static)
                        cr_expect_not_null(elf_find_symbol(&elf, has_suffix, "_chk"), "%s", elf.path);
        }
}

#ifdef __x86_64__
static bool is_same(const char *name, const char *wanted) {
        return streq(name, wanted);
}

/* Only the compiler's part: libc.a of Debian 12 lacks the mark with which the kernel would enforce it. */
Test(hardening, functions_of_static_programs_begin_with_a_mark_for_indirect_branches) {
        static const unsigned char endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };

        for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
                Elf elf = elf_open(i);

                if (!programs[i].is_static)
                        continue;
                const ElfW(Sym) *symbol = elf_find_symbol(&elf, is_same, "main");
                cr_assert_not_null(symbol, "%s", elf.path);
                const ElfW(Shdr) *code = elf_section(&elf, symbol->st_shndx);
                size_t offset = symbol->st_value - code->sh_addr + code->sh_offset;
                cr_expect_eq(memcmp(elf_at(&elf, offset, sizeof(endbr64)), endbr64, sizeof(endbr64)), 0,
                        "%s", elf.path);
        }
}
#endif
