#include "security/intel.h"

#include <assert.h>

#include "base/utf8.h"
#include "base/when.h"

#define TYPE_MAX 250  /* bytes; STIX 2.1 section 3.1 */
#define LIST_MAX 4096 /* markings, labels and the like that are read of one object */
#define UUID_LEN 36
#define TLP2_EXTENSION "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

/* ---- what a type must have ---- */

enum { NEEDS_TIMES = 1, NEEDS_PATTERN = 2, NEEDS_RELATION = 4, NEEDS_CREATED = 8 };

/*
 * STIX 2.1 sections 4, 5 and 7, table "Required". Observables (section 6) have no times; of types that we do not
 * know (custom ones) only `type` and `id` are asked for. spec_version is not: 2.0 had none on objects.
 */
static const struct {
    const char *type;
    unsigned needs;
} known_types[] = {
    {"attack-pattern", NEEDS_TIMES},
    {"campaign", NEEDS_TIMES},
    {"course-of-action", NEEDS_TIMES},
    {"grouping", NEEDS_TIMES},
    {"identity", NEEDS_TIMES},
    {"incident", NEEDS_TIMES},
    {"indicator", NEEDS_TIMES | NEEDS_PATTERN},
    {"infrastructure", NEEDS_TIMES},
    {"intrusion-set", NEEDS_TIMES},
    {"location", NEEDS_TIMES},
    {"malware", NEEDS_TIMES},
    {"malware-analysis", NEEDS_TIMES},
    {"note", NEEDS_TIMES},
    {"observed-data", NEEDS_TIMES},
    {"opinion", NEEDS_TIMES},
    {"report", NEEDS_TIMES},
    {"threat-actor", NEEDS_TIMES},
    {"tool", NEEDS_TIMES},
    {"vulnerability", NEEDS_TIMES},
    {"relationship", NEEDS_TIMES | NEEDS_RELATION},
    {"sighting", NEEDS_TIMES},
    {"language-content", NEEDS_TIMES},
    {"extension-definition", NEEDS_TIMES},
    {"marking-definition", NEEDS_CREATED},
};

static unsigned type_needs(struct span type)
{
    for (size_t i = 0; i < sizeof(known_types) / sizeof(known_types[0]); i++)
        if (span_is(type, known_types[i].type))
            return known_types[i].needs;
    return 0;
}

/* ---- reading members ---- */

struct reading {
    const struct json_tree *tree;
    struct arena *arena;
    struct stix_object *out;
    bool has_relation[3]; /* relationship_type, source_ref, target_ref */
    bool has_unknown_tlp;
};

static int wrong(const struct reading *r, uint32_t node, const char *what, struct err *err)
{
    char shown[80];
    const struct json_node *n = &r->tree->nodes[node];
    return err_set(err, ERR_SYNTAX, "STIX object: %s: %s",
                   text_escape_into(shown, sizeof(shown), span_sub(r->tree->text, n->key_at, n->key_len)), what);
}

static int read_string(struct reading *r, uint32_t node, struct span *out, struct err *err)
{
    if (r->tree->nodes[node].type != JSON_T_STRING)
        return wrong(r, node, "is no string", err);
    *out = json_text(r->tree, node, r->arena);
    return out->data ? 0 : err_memory(err);
}

static int read_time(struct reading *r, uint32_t node, bool *ret_has, int64_t *ret_ms, struct err *err)
{
    struct span text;
    int rc = read_string(r, node, &text, err);
    if (rc < 0)
        return rc;
    if (!when_parse_loose(text, ret_ms))
        return wrong(r, node, "is no RFC 3339 time", err);
    *ret_has = true;
    return 0;
}

static int read_bool(struct reading *r, uint32_t node, bool *out, struct err *err)
{
    uint32_t type = r->tree->nodes[node].type;
    if (type != JSON_T_TRUE && type != JSON_T_FALSE)
        return wrong(r, node, "is neither true nor false", err);
    *out = type == JSON_T_TRUE;
    return 0;
}

/* One out of form says nothing; the object is none the worse for it. */
static void read_confidence(struct reading *r, uint32_t node)
{
    uint64_t value;
    r->out->has_confidence =
        r->tree->nodes[node].type == JSON_T_NUMBER && span_u64(json_raw(r->tree, node), 100, &value);
    r->out->confidence = r->out->has_confidence ? (unsigned)value : 0;
}

static size_t count_children(const struct json_tree *tree, uint32_t parent)
{
    size_t count = 0;
    uint32_t child = json_first(tree, parent);
    for (; child && child < tree->nodes[parent].next; child = tree->nodes[child].next)
        count++;
    return count;
}

/* Append the strings of a list, or of member `key` of each object in it. Other values in it are passed over. */
static int read_list(struct reading *r, uint32_t node, const char *key, const struct span **list, size_t *count,
                     struct err *err)
{
    const struct json_tree *tree = r->tree;
    if (tree->nodes[node].type != JSON_T_ARRAY)
        return wrong(r, node, "is no list", err);
    size_t more = count_children(tree, node);
    if (more == 0)
        return 0;
    if (more > LIST_MAX || *count + more > LIST_MAX)
        return err_set(err, ERR_LIMIT, "STIX object: a list of %zu, limit %d", *count + more, LIST_MAX);
    struct span *grown = arena_array(r->arena, *count + more, sizeof(*grown));
    if (!grown)
        return err_memory(err);
    if (*count > 0)
        memcpy(grown, *list, *count * sizeof(*grown));
    uint32_t child = json_first(tree, node);
    for (; child && child < tree->nodes[node].next; child = tree->nodes[child].next) {
        uint32_t value = !key ? child : tree->nodes[child].type == JSON_T_OBJECT ? json_get(tree, child, key) : 0;
        if (value && tree->nodes[value].type == JSON_T_STRING) {
            grown[*count] = json_text(tree, value, r->arena);
            if (!grown[(*count)++].data)
                return err_memory(err);
        }
    }
    *list = grown;
    return 0;
}

/* A marking that cannot be read would otherwise be one that nobody honours. `key` as in read_list; a language tag has
 * none (STIX 2.1 section 7.2.3). */
static int read_markings(struct reading *r, uint32_t node, const char *key, struct err *err)
{
    const struct json_tree *tree = r->tree;
    uint32_t child = json_first(tree, node);
    for (; child && child < tree->nodes[node].next; child = tree->nodes[child].next) {
        bool is_language = key && json_get(tree, child, "lang") && !json_get(tree, child, key);
        uint32_t value = key ? json_get(tree, child, key) : child;
        if (!is_language && (value == 0 || tree->nodes[value].type != JSON_T_STRING))
            return wrong(r, node, "holds something that names no marking", err);
    }
    return read_list(r, node, key, &r->out->markings, &r->out->marking_count, err);
}

/* A definition may say its TLP in both ways: the narrower counts. */
static void read_tlp(struct reading *r, uint32_t object, const char *key)
{
    uint32_t word = json_get(r->tree, object, key);
    enum tlp tlp = tlp_parse(json_text(r->tree, word, r->arena));
    if (word && tlp == TLP_NONE)
        r->has_unknown_tlp = true;
    if (tlp > r->out->marking_tlp)
        r->out->marking_tlp = tlp;
}

/* TLP 2.0 as an extension of a marking definition (OASIS, TLP v2.0 for STIX). */
static int read_extensions(struct reading *r, uint32_t node, struct err *err)
{
    if (r->tree->nodes[node].type != JSON_T_OBJECT)
        return wrong(r, node, "is no object", err);
    uint32_t extension = json_get(r->tree, node, TLP2_EXTENSION);
    if (!extension || r->tree->nodes[extension].type != JSON_T_OBJECT)
        return 0;
    read_tlp(r, extension, "tlp_2_0");
    return 0;
}

static int read_definition(struct reading *r, uint32_t node, struct err *err)
{
    if (r->tree->nodes[node].type != JSON_T_OBJECT)
        return wrong(r, node, "is no object", err);
    read_tlp(r, node, "tlp");
    return 0;
}

static int read_definition_type(struct reading *r, uint32_t node, struct err *err)
{
    struct span word;
    int rc = read_string(r, node, &word, err);
    r->out->is_statement = rc == 0 && span_is(word, "statement");
    return rc;
}

/* ---- one pass over the members ---- */

enum stix_member {
    M_TYPE,
    M_ID,
    M_NAME,
    M_DESCRIPTION,
    M_PATTERN,
    M_PATTERN_TYPE,
    M_CREATED,
    M_MODIFIED,
    M_REVOKED,
    M_VALID_UNTIL,
    M_MARKINGS,
    M_GRANULAR,
    M_DEFINITION,
    M_DEFINITION_TYPE,
    M_EXTENSIONS,
    M_RELATIONSHIP_TYPE,
    M_SOURCE_REF,
    M_TARGET_REF,
    M_LABELS,
    M_ALIASES,
    M_REFERENCES,
    M_CONFIDENCE,
    MEMBERS
};

#define MEMBER(name)                                                                                                   \
    {                                                                                                                  \
        name, sizeof(name) - 1                                                                                         \
    }
static const struct {
    const char *name;
    size_t len;
} members[] = {
    [M_TYPE] = MEMBER("type"),
    [M_ID] = MEMBER("id"),
    [M_NAME] = MEMBER("name"),
    [M_DESCRIPTION] = MEMBER("description"),
    [M_PATTERN] = MEMBER("pattern"),
    [M_PATTERN_TYPE] = MEMBER("pattern_type"),
    [M_CREATED] = MEMBER("created"),
    [M_MODIFIED] = MEMBER("modified"),
    [M_REVOKED] = MEMBER("revoked"),
    [M_VALID_UNTIL] = MEMBER("valid_until"),
    [M_MARKINGS] = MEMBER("object_marking_refs"),
    [M_GRANULAR] = MEMBER("granular_markings"),
    [M_DEFINITION] = MEMBER("definition"),
    [M_DEFINITION_TYPE] = MEMBER("definition_type"),
    [M_EXTENSIONS] = MEMBER("extensions"),
    [M_RELATIONSHIP_TYPE] = MEMBER("relationship_type"),
    [M_SOURCE_REF] = MEMBER("source_ref"),
    [M_TARGET_REF] = MEMBER("target_ref"),
    [M_LABELS] = MEMBER("labels"),
    [M_ALIASES] = MEMBER("aliases"),
    [M_REFERENCES] = MEMBER("external_references"),
    [M_CONFIDENCE] = MEMBER("confidence"),
};

static enum stix_member find_member(struct span key)
{
    for (int i = 0; i < MEMBERS; i++)
        if (key.len == members[i].len && memcmp(key.data, members[i].name, key.len) == 0)
            return (enum stix_member)i;
    return MEMBERS;
}

static int read_relation(struct reading *r, uint32_t node, enum stix_member member, struct err *err)
{
    struct span ignored;
    r->has_relation[member - M_RELATIONSHIP_TYPE] = true;
    return read_string(r, node, &ignored, err);
}

static int read_member(struct reading *r, enum stix_member member, uint32_t node, struct err *err)
{
    struct stix_object *out = r->out;
    switch (member) {
    case M_TYPE:
        return read_string(r, node, &out->type, err);
    case M_ID:
        return read_string(r, node, &out->id, err);
    case M_NAME:
        return read_string(r, node, &out->name, err);
    case M_DESCRIPTION:
        return read_string(r, node, &out->description, err);
    case M_PATTERN:
        return read_string(r, node, &out->pattern, err);
    case M_PATTERN_TYPE:
        return read_string(r, node, &out->pattern_type, err);
    case M_CREATED:
        return read_time(r, node, &out->has_created, &out->created_ms, err);
    case M_MODIFIED:
        return read_time(r, node, &out->has_modified, &out->modified_ms, err);
    case M_REVOKED:
        return read_bool(r, node, &out->revoked, err);
    case M_VALID_UNTIL:
        return read_time(r, node, &out->has_valid_until, &out->valid_until_ms, err);
    case M_MARKINGS:
        return read_markings(r, node, NULL, err);
    case M_GRANULAR:
        return read_markings(r, node, "marking_ref", err);
    case M_DEFINITION:
        return read_definition(r, node, err);
    case M_DEFINITION_TYPE:
        return read_definition_type(r, node, err);
    case M_EXTENSIONS:
        return read_extensions(r, node, err);
    case M_RELATIONSHIP_TYPE:
    case M_SOURCE_REF:
    case M_TARGET_REF:
        return read_relation(r, node, member, err);
    case M_LABELS:
        return read_list(r, node, NULL, &out->labels, &out->label_count, err);
    case M_ALIASES:
        return read_list(r, node, NULL, &out->aliases, &out->alias_count, err);
    case M_REFERENCES:
        return read_list(r, node, "external_id", &out->external_ids, &out->external_id_count, err);
    case M_CONFIDENCE:
        read_confidence(r, node);
        break;
    case MEMBERS:
        break;
    }
    return 0;
}

/* ---- what is asked of the whole ---- */

static bool type_valid(struct span type)
{
    if (type.len < 3 || type.len > TYPE_MAX)
        return false;
    for (size_t i = 0; i < type.len; i++) {
        uint8_t c = type.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

static bool uuid_valid(struct span text)
{
    if (text.len != UUID_LEN)
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        uint8_t c = text.data[i];
        bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (hyphen ? c != '-' : !hex)
            return false;
    }
    return true;
}

static int check_identity(const struct stix_object *object, struct err *err)
{
    char shown[80];
    if (!object->type.data)
        return err_set(err, ERR_SYNTAX, "STIX object: no \"type\"");
    if (!type_valid(object->type))
        return err_set(err, ERR_SYNTAX, "STIX object: type \"%s\" is not 3 to %d of a-z, 0-9 and -",
                       text_escape_into(shown, sizeof(shown), object->type), TYPE_MAX);
    if (span_is(object->type, "bundle"))
        return err_set(err, ERR_SYNTAX, "STIX object: a bundle is a parcel of objects, not one");
    if (!object->id.data)
        return err_set(err, ERR_SYNTAX, "STIX object: no \"id\"");
    size_t dashes = object->type.len;
    if (!span_starts(object->id, object->type) || !span_is(span_sub(object->id, dashes, 2), "--") ||
        !uuid_valid(span_sub(object->id, dashes + 2, object->id.len)))
        return err_set(err, ERR_SYNTAX, "STIX object: id \"%s\" is not its type, -- and a UUID",
                       text_escape_into(shown, sizeof(shown), object->id));
    return 0;
}

static int lacks(const struct stix_object *object, const char *what, struct err *err)
{
    char shown[STIX_ID_MAX];
    return err_set(err, ERR_SYNTAX, "STIX object %s: no \"%s\"", text_escape_into(shown, sizeof(shown), object->id),
                   what);
}

static int check_required(const struct reading *r, struct err *err)
{
    const struct stix_object *object = r->out;
    unsigned needs = type_needs(object->type);
    if ((needs & (NEEDS_TIMES | NEEDS_CREATED)) && !object->has_created)
        return lacks(object, "created", err);
    if ((needs & NEEDS_TIMES) && !object->has_modified)
        return lacks(object, "modified", err);
    if ((needs & NEEDS_PATTERN) && !object->pattern.data)
        return lacks(object, "pattern", err);
    for (int i = 0; (needs & NEEDS_RELATION) && i < 3; i++)
        if (!r->has_relation[i])
            return lacks(object, members[M_RELATIONSHIP_TYPE + i].name, err);
    return 0;
}

int stix_read(const struct json_tree *tree, struct arena *arena, struct stix_object *out, struct err *err)
{
    assert(tree->text.data);
    struct reading r = {.tree = tree, .arena = arena, .out = out};
    *out = (struct stix_object){0};
    if (tree->nodes[0].type != JSON_T_OBJECT)
        return err_set(err, ERR_SYNTAX, "STIX object: the JSON value is no object");
    uint32_t child = json_first(tree, 0);
    for (; child && child < tree->nodes[0].next; child = tree->nodes[child].next) {
        struct span key = json_key(tree, child, arena);
        if (!key.data)
            return err_memory(err);
        enum stix_member member = find_member(key);
        int rc = member < MEMBERS ? read_member(&r, member, child, err) : 0;
        if (rc < 0)
            return rc;
    }
    if (r.has_unknown_tlp) { /* whatever else it says, it cannot be understood */
        out->marking_tlp = TLP_NONE;
        out->is_statement = false;
    }
    int rc = check_identity(out, err);
    return rc < 0 ? rc : check_required(&r, err);
}

/* ---- TLP ---- */

/* STIX 2.1 section 7.2.1.4, and the definitions that OASIS published for TLP 2.0. */
static const struct {
    const char *id;
    enum tlp tlp;
} predefined[] = {
    {"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP_CLEAR}, /* white */
    {"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", TLP_GREEN},
    {"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", TLP_AMBER},
    {"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", TLP_RED},
    {"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", TLP_CLEAR},
    {"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", TLP_GREEN},
    {"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", TLP_AMBER},
    {"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", TLP_AMBER_STRICT},
    {"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", TLP_RED},
};

enum tlp stix_predefined_tlp(struct span marking_id)
{
    for (size_t i = 0; i < sizeof(predefined) / sizeof(predefined[0]); i++)
        if (span_is(marking_id, predefined[i].id))
            return predefined[i].tlp;
    return TLP_NONE;
}
