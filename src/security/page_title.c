/* What a STIX object is called on a page: its type and name, and of a relationship the names of both its ends. */
#include "security/pages.h"

static const struct {
    const char *type, *words;
} relations[] = {
    {"uses", TR_MARK("{1} uses {2}")},
    {"mitigates", TR_MARK("{1} mitigates {2}")},
    {"targets", TR_MARK("{1} targets {2}")},
    {"indicates", TR_MARK("{1} indicates {2}")},
    {"detects", TR_MARK("{1} detects {2}")},
    {"attributed-to", TR_MARK("{1} is attributed to {2}")},
    {"exploits", TR_MARK("{1} exploits {2}")},
    {"delivers", TR_MARK("{1} delivers {2}")},
    {"variant-of", TR_MARK("{1} is a variant of {2}")},
    {"subtechnique-of", TR_MARK("{1} is a kind of {2}")},
    {"revoked-by", TR_MARK("{1} is replaced by {2}")},
    {"related-to", TR_MARK("{1} is related to {2}")},
};

/* The name of an object that is known here, else its id. */
static struct span name_of(struct page *page, const struct view *view, struct span id)
{
    struct span name;
    struct err ignored;
    if (id.len == 0 || intel_name(view, id, page->request->arena, &name, &ignored) < 0 || name.len == 0)
        return id;
    return name;
}

#define END_SHOWN 100 /* bytes of the name of a relationship's end */

static struct page_slot say_brief(struct span text)
{
    size_t shown = text.len < END_SHOWN ? text.len : END_SHOWN;
    while (shown > 0 && shown < text.len && (text.data[shown] & 0xC0) == 0x80)
        shown--;
    return say_text(span_sub(text, 0, shown));
}

/* False, and nothing written: a relationship lacks what it must have. */
static bool write_relationship(struct page *page, const struct view *view, const struct json_tree *tree)
{
    struct arena *arena = page->request->arena;
    uint32_t source = json_get(tree, 0, "source_ref"), target = json_get(tree, 0, "target_ref");
    uint32_t kind = json_get(tree, 0, "relationship_type");
    if (source == 0 || target == 0 || kind == 0)
        return false;
    struct span word = json_text(tree, kind, arena);
    struct span from = name_of(page, view, json_text(tree, source, arena));
    struct span to = name_of(page, view, json_text(tree, target, arena));
    if (from.len == 0 || to.len == 0 || word.len == 0)
        return false;
    const char *words = "{1} {3} {2}";
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        if (span_is(word, relations[i].type))
            words = page_text(page, relations[i].words);
    }
    page_sayf(page, words, SAY(say_brief(from), say_brief(to), say_brief(word)));
    return true;
}

static bool write_object(struct page *page, const struct view *view, const struct json_tree *tree, bool with_type)
{
    struct stix_object object;
    struct err ignored;
    if (stix_read(tree, page->request->arena, &object, &ignored) < 0)
        return false;
    if (object.name.len == 0 && span_is(object.type, "relationship") && write_relationship(page, view, tree))
        return true;
    if (with_type) {
        page_stix_type(page, object.type);
        page_say(page, TR_MARK(": "));
    }
    page_brief(page, object.name.len > 0 ? object.name : object.id);
    return true;
}

bool page_object_name(struct page *page, const struct view *view, const struct record *record, bool with_type)
{
    struct json_scanner *scanner = json_scanner_new();
    const struct json_tree *tree;
    struct err ignored;
    bool said =
        scanner && json_scan(scanner, record->body, &tree, &ignored) == 0 && write_object(page, view, tree, with_type);
    json_scanner_free(scanner);
    return said;
}

bool security_page_title(struct page *page, const struct view *view, const struct record *record)
{
    return page_object_name(page, view, record, true);
}
