/* SPDX-License-Identifier: BSD-2-Clause */

#define _POSIX_C_SOURCE 200809L

#include "conf.h"

#include "fail.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    conf_t *conf;
    const char *file;
    const uint8_t *p;
    const uint8_t *end;
    unsigned line;
    unsigned includes; /* how deep */
    unsigned blocks;
} reader_t;

static conf_node_t *read_file(conf_t *conf, const char *path, unsigned includes,
                              const conf_node_t *at);

int conf_is(const conf_node_t *node, const char *name) {
    return strlen(name) == node->words[0].len &&
           memcmp(name, node->words[0].data, node->words[0].len) == 0;
}

const char *conf_path(const conf_t *conf, fraud_str_t name) {
    size_t len = strlen(conf->dir);
    char *path;

    if (name.len != 0 && name.data[0] == '/') {
        len = 0;
    }
    path = arena_alloc(conf->arena, len + name.len + 1);
    memcpy(path, conf->dir, len);
    if (name.len != 0) {
        memcpy(path + len, name.data, name.len);
    }
    return path;
}

static void unreadable(const char *path, const conf_node_t *at,
                       const char *why) {
    if (at == NULL) {
        fail("cannot read %s: %s", path, why);
    }
    fail_in(at->file, at->line, "\"%s\": cannot read %s: %s",
            (const char *)at->words[0].data, path, why);
}

fraud_str_t conf_load(arena_t *arena, const char *path, const conf_node_t *at) {
    fraud_str_t text = {NULL, 0};
    uint8_t *data = NULL;
    size_t size = 0, got;
    FILE *in;

    in = fopen(path, "rb");
    if (in == NULL) {
        unreadable(path, at, strerror(errno));
        return text;
    }
    do {
        if (text.len == size) {
            size = size != 0 ? 2 * size : 65536;
            data = arena_alloc(arena, size);
            if (text.len != 0) {
                memcpy(data, text.data, text.len);
            }
            text.data = data;
        }
        got = fread(data + text.len, 1, size - text.len, in);
        text.len += got;
    } while (got != 0 && text.len <= CONF_MAX_BYTES);
    if (ferror(in)) {
        unreadable(path, at, strerror(errno));
    }
    (void)fclose(in);
    if (text.len > CONF_MAX_BYTES) {
        unreadable(path, at, "it is too large");
    }
    return text;
}

static int is_blank(int ch) {
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static void unexpected(const reader_t *r, int ch) {
    char quoted[4] = {'"', (char)ch, '"', '\0'};

    fail_in(r->file, r->line, "unexpected %s", ch < 0 ? "end of file" : quoted);
}

/* The next byte that is neither blank nor of a comment, -1 at the end. */
static int peek(reader_t *r) {
    for (; r->p < r->end; r->p++) {
        if (*r->p == '#') {
            while (r->p < r->end && *r->p != '\n') {
                r->p++;
            }
            if (r->p == r->end) {
                break;
            }
        }
        if (!is_blank(*r->p)) {
            return *r->p;
        }
        r->line += *r->p == '\n';
    }
    return -1;
}

/* Advance past an escaped byte, or one byte. */
static void step(reader_t *r) {
    int escaped = *r->p == '\\';

    do {
        r->line += *r->p++ == '\n';
    } while (escaped-- != 0 && r->p < r->end);
}

static fraud_str_t unescape(arena_t *arena, const uint8_t *data, size_t len) {
    static const char from[] = "\"'\\trn", to[] = "\"'\\\t\r\n";
    fraud_str_t word;
    const char *at;
    uint8_t *out;
    size_t i;

    word.data = out = arena_alloc(arena, len + 1);
    for (i = 0; i < len; i++) {
        at = NULL;
        if (data[i] == '\\' && i + 1 < len && data[i + 1] != '\0') {
            at = strchr(from, data[i + 1]);
        }
        *out++ = at != NULL ? (uint8_t)to[at - from] : data[i];
        i += at != NULL;
    }
    word.len = (size_t)(out - word.data);
    return word;
}

static fraud_str_t quoted_word(reader_t *r) {
    const uint8_t *start;
    uint8_t quote = *r->p++;
    fraud_str_t word;

    start = r->p;
    while (r->p < r->end && *r->p != quote) {
        step(r);
    }
    if (r->p == r->end) {
        unexpected(r, -1);
    }
    word = unescape(r->conf->arena, start, (size_t)(r->p - start));
    r->p++;
    if (r->p == r->end ||
        (!is_blank(*r->p) && *r->p != ';' && *r->p != '{' && *r->p != ')')) {
        unexpected(r, r->p == r->end ? -1 : *r->p);
    }
    return word;
}

static fraud_str_t plain_word(reader_t *r) {
    const uint8_t *start = r->p;
    int variable = 0;

    while (r->p < r->end && !is_blank(*r->p) && *r->p != ';' &&
           (*r->p != '{' || variable)) {
        variable = *r->p == '$' || (variable && *r->p == '{');
        step(r);
    }
    if (r->p == r->end) {
        unexpected(r, -1);
    }
    return unescape(r->conf->arena, start, (size_t)(r->p - start));
}

/* The text of "*_by_lua_block": braces in its strings and comments are none. */
static void skip_lua(reader_t *r) {
    unsigned depth = 1;
    uint8_t ch;

    while (r->p < r->end && depth != 0) {
        ch = *r->p;
        depth += ch == '{';
        depth -= ch == '}';
        if (ch == '-' && r->end - r->p > 1 && r->p[1] == '-') {
            while (r->p < r->end && *r->p != '\n') {
                r->p++;
            }
            continue;
        }
        step(r);
        while (r->p < r->end && (ch == '"' || ch == '\'') && *r->p != ch) {
            step(r);
        }
        if (r->p < r->end && (ch == '"' || ch == '\'')) {
            r->p++;
        }
    }
    if (depth != 0) {
        unexpected(r, -1);
    }
}

static conf_node_t *read_block(reader_t *r, int inner);

static void read_body(reader_t *r, conf_node_t *node) {
    static const char lua[] = "_by_lua_block";
    fraud_str_t name = node->words[0];
    size_t len = sizeof(lua) - 1;

    node->block = 1;
    if (name.len > len && memcmp(name.data + name.len - len, lua, len) == 0) {
        skip_lua(r);
        return;
    }
    if (++r->blocks > CONF_MAX_DEPTH) {
        fail_in(r->file, r->line, "blocks are too deep");
    }
    node->child = read_block(r, 1);
    r->blocks--;
}

static conf_node_t *read_directive(reader_t *r) {
    conf_node_t *node;
    int ch;

    node = arena_alloc(r->conf->arena, sizeof(*node));
    node->file = r->file;
    for (;;) {
        ch = peek(r);
        if (ch == ';' || ch == '{') {
            if (node->n == 0) {
                unexpected(r, ch);
            }
            node->line = r->line;
            r->p++;
            break;
        }
        if (ch == -1 || ch == '}') {
            unexpected(r, ch);
        }
        node->words = arena_grow(r->conf->arena, node->words, node->n,
                                 sizeof(*node->words));
        node->words[node->n++] =
            ch == '"' || ch == '\'' ? quoted_word(r) : plain_word(r);
    }
    if (ch == '{') {
        read_body(r, node);
    }
    return node;
}

static conf_node_t *include(reader_t *r, const conf_node_t *node) {
    conf_node_t *first = NULL, **last = &first;
    const char *path;
    glob_t found;
    size_t i;

    if (node->n != 2 || node->block) {
        fail_in(node->file, node->line, "\"include\" takes one file");
    }
    path = conf_path(r->conf, node->words[1]);
    if (strpbrk(path, "*?[") == NULL) {
        return read_file(r->conf, path, r->includes + 1, node);
    }
    memset(&found, 0, sizeof(found));
    if (glob(path, 0, NULL, &found) == 0) {
        for (i = 0; i < found.gl_pathc; i++) {
            *last =
                read_file(r->conf, found.gl_pathv[i], r->includes + 1, node);
            while (*last != NULL) {
                last = &(*last)->next;
            }
        }
    }
    globfree(&found);
    return first;
}

static conf_node_t *read_block(reader_t *r, int inner) {
    conf_node_t *first = NULL, **last = &first, *node;
    int ch;

    while ((ch = peek(r)) != -1) {
        if (ch == '}') {
            if (!inner) {
                unexpected(r, ch);
            }
            r->p++;
            return first;
        }
        node = read_directive(r);
        *last = conf_is(node, "include") ? include(r, node) : node;
        while (*last != NULL) {
            last = &(*last)->next;
        }
    }
    if (inner) {
        unexpected(r, ch);
    }
    return first;
}

static conf_node_t *read_file(conf_t *conf, const char *path, unsigned includes,
                              const conf_node_t *at) {
    reader_t r = {0};
    fraud_str_t text;

    if (includes > CONF_MAX_DEPTH) {
        fail_in(at->file, at->line, "files include each other");
    }
    text = conf_load(conf->arena, path, at);
    r.conf = conf;
    r.file = (const char *)arena_copy(conf->arena, path, strlen(path)).data;
    r.p = text.data;
    r.end = text.data + text.len;
    r.line = 1;
    r.includes = includes;
    return read_block(&r, 0);
}

void conf_read(conf_t *conf, arena_t *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) + 1 : 0;

    conf->arena = arena;
    conf->dir = (const char *)arena_copy(arena, path, len).data;
    conf->first = read_file(conf, path, 0, NULL);
}
