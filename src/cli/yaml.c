/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdio.h>
#include <yaml.h>

#include "base/string.h"
#include "cli/yaml-scalar.h"
#include "cli/yaml.h"

#define SHOWN_MAX 60

/* A limit, because value_set_at() looks through all keys of a map for each new one. */
#define KEYS_MAX 4096

/* One call of yaml_read(). */
typedef struct Reader {
        yaml_parser_t parser;
        const char *text;
        size_t n;
        const char *name;
        Error **ret_error;

        Value *root; /* the whole tree, with the lists and maps that are still open */
        Value *open[VALUE_DEPTH_MAX];
        size_t depth;

        /* The key that waits for its value, in the innermost map. */
        char *key;
        unsigned key_line, key_column;
} Reader;

static void reader_clear(Reader *reader) {
        yaml_parser_delete(&reader->parser);
        value_free(reader->root);
        free(reader->key);
}
#define _cleanup_reader_ _cleanup_(reader_clear)

#define _cleanup_event_ _cleanup_(yaml_event_delete)

static unsigned mark_line(const yaml_mark_t *mark) {
        return (unsigned) mark->line + 1;
}

static unsigned mark_column(const yaml_mark_t *mark) {
        return (unsigned) mark->column + 1;
}

static int refuse(Reader *reader, const yaml_mark_t *mark, const char *format, ...) _printf_(3, 4);
static int refuse(Reader *reader, const yaml_mark_t *mark, const char *format, ...) {
        _cleanup_free_ char *words = NULL;
        va_list ap;

        va_start(ap, format);
        words = xvasprintf(format, ap);
        va_end(ap);
        return error_set(reader->ret_error, EINVAL, "%s:%u:%u: %s", reader->name, mark_line(mark),
                mark_column(mark), words);
}

/* Return: the beginning of a text, fit to stand in a message. */
static char *shorten(const char *text) {
        size_t n = strlen(text), shown = n;

        if (n > SHOWN_MAX) {
                shown = SHOWN_MAX;
                while ((text[shown] & 0xc0) == 0x80)
                        shown--;
        }

        char *copy = xasprintf("%.*s%s", (int) shown, text, shown < n ? "..." : "");
        for (char *p = copy; *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f)
                        *p = '?';
        return copy;
}

/* libyaml reports only the offset of a byte that does not belong to a text. */
static yaml_mark_t mark_of_offset(const Reader *reader, size_t offset) {
        yaml_mark_t mark = { .index = offset };

        for (size_t i = 0; i < offset && i < reader->n; i++) {
                if (reader->text[i] == '\n') {
                        mark.line++;
                        mark.column = 0;
                } else if ((reader->text[i] & 0xc0) != 0x80)
                        mark.column++;
        }

        return mark;
}

static int refuse_parse(Reader *reader) {
        const yaml_parser_t *parser = &reader->parser;
        const char *problem = parser->problem ? parser->problem : "cannot be read";

        if (parser->error == YAML_MEMORY_ERROR)
                return error_set(reader->ret_error, ENOMEM, "%s: out of memory", reader->name);
        if (parser->error == YAML_READER_ERROR) {
                yaml_mark_t mark = mark_of_offset(reader, parser->problem_offset);
                return refuse(reader, &mark, "not valid text: %s", problem);
        }
        if (!parser->context)
                return refuse(reader, &parser->problem_mark, "%s", problem);
        return refuse(reader, &parser->problem_mark, "%s (%s that began in line %u)", problem,
                parser->context, mark_line(&parser->context_mark));
}

/* Makes a value of a scalar. */
static int read_value(
        Reader *reader, const yaml_mark_t *mark, const char *text, YamlWanted wanted, Value **ret) {
        int r = yaml_scalar_resolve(text, wanted, ret);

        if (r >= 0)
                return 0;

        _cleanup_free_ char *shown = shorten(text);
        if (r == -ERANGE)
                return refuse(reader, mark, "the number %s is too large; quote it if it is a text", shown);
        return refuse(reader, mark, "\"%s\" is not what its tag says", shown);
}

static int anchor_check(Reader *reader, const yaml_mark_t *mark, const yaml_char_t *anchor) {
        if (!anchor)
                return 0;
        return refuse(
                reader, mark, "anchors (&) and aliases (*) are not supported; quote a text that begins so");
}

/* Return: 0 with what a tag asks for; @fallback where there is none, or only "!". */
static int tag_check(Reader *reader, const yaml_mark_t *mark, const yaml_char_t *tag, YamlWanted fallback,
        YamlWanted *ret) {
        const char *text = (const char *) tag;

        if (!text || streq(text, "!")) {
                *ret = fallback;
                return 0;
        }

        *ret = yaml_wanted_from_tag(text);
        if (*ret != _YAML_WANTED_INVALID)
                return 0;

        _cleanup_free_ char *shown = shorten(text);
        return refuse(reader, mark, "the tag \"%s\" is not supported", shown);
}

static Value *reader_innermost(const Reader *reader) {
        return reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
}

/* Return: whether the next value is a key of a map. */
static bool reader_wants_key(const Reader *reader) {
        const Value *map = reader_innermost(reader);

        return map && map->type == VALUE_MAP && !reader->key;
}

static int refuse_duplicate(Reader *reader, const Value *map, const char *key) {
        _cleanup_free_ char *shown = shorten(key);
        yaml_mark_t mark = { .line = reader->key_line - 1, .column = reader->key_column - 1 };
        size_t i = 0;

        while (!streq(map->keys[i], key))
                i++;
        return refuse(reader, &mark, "the key \"%s\" is already in line %u", shown, map->key_lines[i]);
}

/* Adds a value to the innermost open list or map, and notes its place in the text. Takes ownership of it. */
static int reader_add(Reader *reader, const yaml_mark_t *mark, Value *value) {
        Value *parent = reader_innermost(reader);

        value->line = mark_line(mark);
        value->column = mark_column(mark);

        if (!parent) {
                reader->root = value;
                return 0;
        }
        if (parent->type == VALUE_LIST) {
                value_append(parent, value);
                return 0;
        }

        _cleanup_free_ char *key = TAKE_PTR(reader->key);
        if (value_set_at(parent, key, value, reader->key_line, reader->key_column) < 0)
                return refuse_duplicate(reader, parent, key);
        return 0;
}

static int read_key(Reader *reader, const yaml_event_t *event) {
        const char *text = (const char *) event->data.scalar.value;
        const yaml_mark_t *mark = &event->start_mark;
        bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        YamlWanted wanted;
        int r;

        r = tag_check(reader, mark, event->data.scalar.tag, YAML_WANT_STRING, &wanted);
        if (r < 0)
                return r;
        if (wanted != YAML_WANT_STRING)
                return refuse(reader, mark, "keys are texts, so they have no such tag");
        if (plain && !*text)
                return refuse(reader, mark, "there is no key before the colon");
        if (plain && streq(text, "<<"))
                return refuse(reader, mark, "merge keys (<<) are not supported");

        const Value *map = reader_innermost(reader);
        if (map && map->n_items >= KEYS_MAX)
                return refuse(reader, mark, "a map has more than %d keys", KEYS_MAX);

        reader->key = xstrdup(text);
        reader->key_line = mark_line(mark);
        reader->key_column = mark_column(mark);
        return 0;
}

static int read_scalar(Reader *reader, const yaml_event_t *event) {
        const char *text = (const char *) event->data.scalar.value;
        size_t n = event->data.scalar.length;
        const yaml_mark_t *mark = &event->start_mark;
        Value *value;
        YamlWanted wanted;
        int r;

        r = anchor_check(reader, mark, event->data.scalar.anchor);
        if (r < 0)
                return r;
        if (memchr(text, 0, n))
                return refuse(reader, mark, "a text must not contain NUL (\\0)");
        if (!utf8_is_valid(text, n))
                return refuse(reader, mark, "a text must be UTF-8");
        if (reader_wants_key(reader))
                return read_key(reader, event);

        bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        r = tag_check(
                reader, mark, event->data.scalar.tag, plain ? YAML_WANT_ANY : YAML_WANT_STRING, &wanted);
        if (r < 0)
                return r;

        r = read_value(reader, mark, text, wanted, &value);
        if (r < 0)
                return r;
        return reader_add(reader, mark, value);
}

/* Opens a list or map. */
static int read_start(Reader *reader, const yaml_event_t *event, Value *value, const yaml_char_t *anchor,
        const yaml_char_t *tag) {
        _cleanup_value_ Value *container = value;
        const yaml_mark_t *mark = &event->start_mark;
        YamlWanted own = container->type == VALUE_LIST ? YAML_WANT_LIST : YAML_WANT_MAP, wanted;
        int r;

        r = anchor_check(reader, mark, anchor);
        if (r >= 0)
                r = tag_check(reader, mark, tag, own, &wanted);
        if (r < 0)
                return r;
        if (wanted != own)
                return refuse(
                        reader, mark, "%s is not what its tag says", value_type_to_string(container->type));
        if (reader_wants_key(reader))
                return refuse(reader, mark, "%s cannot be a key", value_type_to_string(container->type));
        if (reader->depth >= VALUE_DEPTH_MAX)
                return refuse(
                        reader, mark, "lists and maps are nested deeper than %d levels", VALUE_DEPTH_MAX);

        Value *opened = TAKE_PTR(container);
        r = reader_add(reader, mark, opened);
        if (r < 0)
                return r;
        reader->open[reader->depth++] = opened;
        return 0;
}

/* Return: 1 when the document goes on, 0 at the end of the stream. */
static int read_event(Reader *reader, const yaml_event_t *event) {
        int r = 0;

        switch (event->type) {
        case YAML_STREAM_END_EVENT:
                return 0;
        case YAML_DOCUMENT_START_EVENT:
                if (reader->root)
                        r = refuse(reader, &event->start_mark, "there is more than one document");
                break;
        case YAML_ALIAS_EVENT:
                r = anchor_check(reader, &event->start_mark, event->data.alias.anchor);
                break;
        case YAML_SCALAR_EVENT:
                r = read_scalar(reader, event);
                break;
        case YAML_SEQUENCE_START_EVENT:
                r = read_start(reader, event, value_new_list(), event->data.sequence_start.anchor,
                        event->data.sequence_start.tag);
                break;
        case YAML_MAPPING_START_EVENT:
                r = read_start(reader, event, value_new_map(), event->data.mapping_start.anchor,
                        event->data.mapping_start.tag);
                break;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                reader->depth--;
                break;
        default:
                break;
        }

        return r < 0 ? r : 1;
}

int yaml_read(const char *text, size_t n, const char *name, Value **ret, Error **ret_error) {
        _cleanup_reader_ Reader reader = { .text = text, .n = n, .name = name, .ret_error = ret_error };
        int r;

        if (n > YAML_SIZE_MAX)
                return error_set(ret_error, E2BIG, "%s: larger than %d bytes", name, YAML_SIZE_MAX);
        if (!yaml_parser_initialize(&reader.parser))
                return error_set(ret_error, ENOMEM, "%s: out of memory", name);

        /* Without this a byte order mark at the front would make libyaml read UTF-16. */
        yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&reader.parser, (const unsigned char *) text, n);

        do {
                _cleanup_event_ yaml_event_t event = {};

                if (!yaml_parser_parse(&reader.parser, &event))
                        return refuse_parse(&reader);
                r = read_event(&reader, &event);
        } while (r > 0);
        if (r < 0)
                return r;

        if (!reader.root) {
                reader.root = value_new_null();
                reader.root->line = reader.root->column = 1;
        }
        *ret = TAKE_PTR(reader.root);
        return 0;
}
