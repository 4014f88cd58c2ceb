/* STIX: bundles, single objects, arrays and lines of objects, TAXII envelopes. Original bytes go through untouched. */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "security/read_marking.h"

struct stix_reader {
    struct import_reader base;
    struct split split;
    struct json_scanner *scanner;
    struct arena arena;
    struct markings markings;
    struct buf waiting; /* objects whose marking is not known yet: struct waiting, then the bytes */
};

struct waiting {
    uint64_t line, offset, len;
};

/* ---- objects ---- */

static int emit(struct stix_reader *stix, const struct stix_object *object, struct span bytes, enum tlp marking,
                uint64_t line, uint64_t offset, struct err *err)
{
    struct import_item item = {
        .object = bytes,
        .type = object->type,
        .id = object->id,
        .has_modified = object->has_modified,
        .modified_ms = object->modified_ms,
        .marking = marking,
        .marking_why = buf_cstr(&stix->markings.why),
        .line = line,
        .offset = offset,
    };
    return stix->base.sink.item(stix->base.sink.ctx, &item, err);
}

/*
 * Keep an object until the end of the source, as its marking may be defined there; what finds no room counts as
 * marked by something that cannot be resolved.
 */
static int wait_or_emit(struct stix_reader *stix, const struct stix_object *object, struct span bytes, uint64_t line,
                        uint64_t offset, struct err *err)
{
    struct waiting head = {line, offset, bytes.len};
    if (stix->waiting.len + sizeof(head) + bytes.len > IMPORT_WAITING_BYTES) {
        buf_fmt(&stix->markings.why, " so far, and %u bytes wait already: import the marking definition first",
                IMPORT_WAITING_BYTES);
        return emit(stix, object, bytes, TLP_RED, line, offset, err);
    }
    buf_add(&stix->waiting, &head, sizeof(head));
    buf_span(&stix->waiting, bytes);
    return buf_check(&stix->waiting, "objects that wait for their markings", err);
}

/* What people take for STIX, named as what it is; NULL: something else. */
static const char *other_kind(const struct json_tree *tree)
{
    if (json_get(tree, 0, "matching_attributes") || (json_get(tree, 0, "list") && json_get(tree, 0, "version")))
        return "a MISP warning list: it names what is harmless";
    uint32_t document = json_get(tree, 0, "document");
    if (document && json_get(tree, document, "csaf_version"))
        return "a CSAF advisory, which is not imported yet";
    return NULL;
}

/* One object that json_scan accepted. */
static int take_tree(struct stix_reader *stix, const struct json_tree *tree, uint64_t line, uint64_t offset, bool last,
                     struct err *err)
{
    struct stix_object object;
    struct err why;
    enum tlp marking;
    bool unknown;
    int rc = stix_read(tree, &stix->arena, &object, &why);
    if (rc == ERR_MEMORY)
        return err_memory(err);
    if (rc < 0) {
        const char *other = other_kind(tree);
        return reader_bad(&stix->base, line, offset, err, "%s", other ? other : why.text);
    }
    if (!last && span_is(object.type, "marking-definition")) {
        rc = markings_learn(&stix->markings, &object, err);
        if (rc < 0)
            return rc;
    }
    rc = markings_resolve(&stix->markings, &stix->base.source, &object, last, &marking, &unknown, err);
    if (rc == 0 && unknown)
        return wait_or_emit(stix, &object, tree->text, line, offset, err);
    return rc == 0 ? emit(stix, &object, tree->text, marking, line, offset, err) : rc;
}

/* *ret is NULL for what is no JSON: reported, and the reader goes on. */
static int scan(struct stix_reader *stix, struct span bytes, uint64_t line, uint64_t offset, bool frame,
                const struct json_tree **ret, struct err *err)
{
    struct err why;
    arena_clear(&stix->arena);
    int rc = json_scan(stix->scanner, bytes, ret, &why);
    if (rc == ERR_MEMORY)
        return err_memory(err);
    if (rc == 0)
        return 0;
    *ret = NULL;
    /* Bytes of a frame are not those of the source: its objects are taken out. */
    return frame ? reader_bad(&stix->base, line, offset, err, "the bundle around the objects (without them): %s",
                              why.text)
                 : reader_bad_json(&stix->base, bytes, line, offset, &why, err);
}

static int take_object(struct stix_reader *stix, struct span bytes, uint64_t line, uint64_t offset, bool last,
                       struct err *err)
{
    const struct json_tree *tree;
    int rc = scan(stix, bytes, line, offset, false, &tree, err);
    return rc == 0 && tree ? take_tree(stix, tree, line, offset, last, err) : rc;
}

/* ---- what stands around them ---- */

/* A bundle or envelope without objects, which is no object either. */
static bool is_empty_frame(struct stix_reader *stix, const struct json_tree *tree)
{
    uint32_t type = json_get(tree, 0, "type");
    if (type)
        return span_is(json_text(tree, type, &stix->arena), "bundle");
    return json_first(tree, 0) == 0 || json_get(tree, 0, "more") || json_get(tree, 0, "next");
}

static int take_alone(struct stix_reader *stix, struct span bytes, uint64_t line, uint64_t offset, struct err *err)
{
    const struct json_tree *tree;
    int rc = scan(stix, bytes, line, offset, false, &tree, err);
    if (rc < 0 || !tree)
        return rc;
    if (is_empty_frame(stix, tree))
        return json_get(tree, 0, stix->split.member)
                   ? reader_bad(&stix->base, line, offset, err,
                                "a bundle whose \"objects\" is no list, or written with escapes")
                   : 0;
    return take_tree(stix, tree, line, offset, false, err);
}

/* The bundle with its objects taken out: they went in already, whatever is wrong here. */
static int take_frame(struct stix_reader *stix, struct span bytes, uint64_t line, uint64_t offset, struct err *err)
{
    const struct json_tree *tree;
    char shown[64];
    int rc = scan(stix, bytes, line, offset, true, &tree, err);
    if (rc < 0 || !tree)
        return rc;
    struct span type = json_text(tree, json_get(tree, 0, "type"), &stix->arena);
    if (type.data && !span_is(type, "bundle"))
        return reader_bad(&stix->base, line, offset, err,
                          "an object of type \"%s\" with objects inside: only those were read",
                          text_escape_into(shown, sizeof(shown), type));
    return 0;
}

static int on_object(void *ctx, enum split_kind kind, struct span bytes, uint64_t line, uint64_t offset,
                     struct err *err)
{
    struct stix_reader *stix = ctx;
    switch (kind) {
    case SPLIT_ELEMENT:
        return take_object(stix, bytes, line, offset, false, err);
    case SPLIT_ALONE:
        return take_alone(stix, bytes, line, offset, err);
    case SPLIT_FRAME:
        return take_frame(stix, bytes, line, offset, err);
    }
    return 0;
}

static int on_bad(void *ctx, uint64_t line, uint64_t offset, const char *reason, struct err *err)
{
    struct stix_reader *stix = ctx;
    return reader_bad(&stix->base, line, offset, err, "%s", reason);
}

/* ---- the reader ---- */

static int stix_feed(struct import_reader *reader, struct span bytes, struct err *err)
{
    return split_feed(&((struct stix_reader *)reader)->split, bytes, err);
}

static int stix_end(struct import_reader *reader, struct err *err)
{
    struct stix_reader *stix = (struct stix_reader *)reader;
    int rc = split_end(&stix->split, err);
    reader->cut = stix->split.cut;
    for (size_t pos = 0; pos < stix->waiting.len && rc == 0;) {
        struct waiting head;
        memcpy(&head, stix->waiting.data + pos, sizeof(head));
        pos += sizeof(head);
        rc = take_object(stix, span_of(stix->waiting.data + pos, (size_t)head.len), head.line, head.offset, true, err);
        pos += (size_t)head.len;
    }
    buf_clear(&stix->waiting);
    return rc;
}

static void stix_free(struct import_reader *reader)
{
    struct stix_reader *stix = (struct stix_reader *)reader;
    split_done(&stix->split);
    json_scanner_free(stix->scanner);
    arena_done(&stix->arena);
    markings_done(&stix->markings);
    buf_done(&stix->waiting);
    free(stix);
}

struct import_reader *read_stix_new(void)
{
    static const struct reader_class class = {stix_feed, stix_end, stix_free};
    struct err err;
    struct stix_reader *stix = calloc(1, sizeof(*stix));
    if (!stix)
        return NULL;
    stix->base.class = &class;
    stix->split = (struct split){
        .member = "objects", .object_max = IMPORT_OBJECT_MAX, .object = on_object, .bad = on_bad, .ctx = stix};
    arena_init(&stix->arena, 2 * (size_t)IMPORT_OBJECT_MAX);
    markings_init(&stix->markings);
    buf_init(&stix->waiting, IMPORT_WAITING_BYTES);
    stix->scanner = json_scanner_new();
    if (!stix->scanner || split_init(&stix->split, &err) < 0) {
        stix_free(&stix->base);
        return NULL;
    }
    return &stix->base;
}
