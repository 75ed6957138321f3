/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "words.h"

/* The most bytes of one string in a message: a long name must leave room for the reason behind it. */
#define WORD_MAX 300
#define SENTENCE_MAX 2048

static int journal_fd = STDERR_FILENO;
static int failure_fd = -1;

void journal_open(void) {
        journal_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

void journal_replace(int fd) {
        journal_fd = fd;
}

void failure_report_to(int fd) {
        failure_fd = fd;
}

/* Appends a string to the @n bytes at @sentence. Return: the new length. */
static size_t sentence_append(char *sentence, size_t n, const char *word) {
        size_t length = strlen(word), shown = length > WORD_MAX ? WORD_MAX - 3 : length;

        if (n + shown + 4 > SENTENCE_MAX)
                return n;

        /* Replaces control characters: a message must stay one line and must not control a terminal. */
        for (size_t i = 0; i < shown; i++)
                sentence[n++] = (unsigned char) word[i] < ' ' || word[i] == 0x7f ? '?' : word[i];
        for (int i = 0; shown < length && i < 3; i++)
                sentence[n++] = '.';
        return n;
}

static void say_words(const char *first, va_list ap) {
        char sentence[SENTENCE_MAX];
        size_t n = sentence_append(sentence, 0, "nspawn-units: ");

        for (const char *word = first; word; word = va_arg(ap, const char *))
                n = sentence_append(sentence, n, word);
        sentence[n++] = '\n';

        /* There is nowhere to report that this failed. */
        ssize_t written = write(journal_fd, sentence, n);
        (void) written;
}

void say(const char *first, ...) {
        va_list ap;

        va_start(ap, first);
        say_words(first, ap);
        va_end(ap);
}

void fail(int code, const char *first, ...) {
        va_list ap;

        va_start(ap, first);
        say_words(first, ap);
        va_end(ap);

        ssize_t written = write(failure_fd, "", 1);
        (void) written;
        _exit(code);
}
