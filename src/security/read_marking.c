#include "security/read_marking.h"

#include <ctype.h>

#include "base/random.h"
#include "base/utf8.h"

/* Values of the map besides those of enum tlp. */
#define MARKING_UNKNOWN 100u /* asked elsewhere, and nobody knew */
#define MARKING_FOREIGN 101u /* defined, but in terms that we do not know: ACS, IEP, ... */

#define WHY_MAX 1024 /* bytes */

void markings_init(struct markings *markings)
{
    import_map_init(&markings->known, MARKING_DEFINITIONS_MAX);
    buf_init(&markings->why, WHY_MAX);
}

void markings_done(struct markings *markings)
{
    import_map_done(&markings->known);
    buf_done(&markings->why);
}

int markings_learn(struct markings *markings, const struct stix_object *object, struct err *err)
{
    uint64_t key = random_hash(object->id);
    uint64_t value = object->marking_tlp != TLP_NONE ? (uint64_t)object->marking_tlp
                     : object->is_statement          ? TLP_NONE
                                                     : MARKING_FOREIGN;
    const uint64_t *present = import_map_find(&markings->known, key);
    /* Two definitions of one id: the narrower counts, whichever came first. */
    if (present && *present != MARKING_UNKNOWN && *present > value)
        return 0;
    struct err full;
    int rc = import_map_put(&markings->known, key, value, &full);
    if (rc == ERR_LIMIT)
        return 0;
    if (rc < 0)
        *err = full;
    return rc;
}

/* What one marking means: a value of the map. */
static int look_up(struct markings *markings, const struct import_source *source, struct span id, uint64_t *ret,
                   struct err *err)
{
    uint64_t key = random_hash(id);
    const uint64_t *present = import_map_find(&markings->known, key);
    enum tlp tlp = stix_predefined_tlp(id);
    struct err why;
    *ret = tlp != TLP_NONE ? (uint64_t)tlp : present ? *present : MARKING_UNKNOWN;
    if (tlp != TLP_NONE || present || !source->marking)
        return 0;
    int rc = source->marking(source->marking_ctx, id, &tlp, &why);
    if (rc < 0 && rc != ERR_NOTFOUND) {
        *err = why;
        return rc;
    }
    if (rc == 0)
        *ret = tlp;
    rc = import_map_put(&markings->known, key, *ret, &why);
    if (rc == ERR_MEMORY)
        *err = why;
    return rc == ERR_MEMORY ? rc : 0;
}

static void say_why(struct markings *markings, struct span id, uint64_t value)
{
    struct buf *why = &markings->why;
    buf_clear(why);
    if (value < MARKING_UNKNOWN) {
        buf_str(why, "TLP:");
        for (const char *word = tlp_word((enum tlp)value); *word; word++)
            buf_byte(why, (uint8_t)toupper((unsigned char)*word));
        buf_str(why, " by ");
    }
    text_escape(why, id, 256);
    if (value == MARKING_FOREIGN)
        buf_str(why, " is a marking of a kind that we do not know");
    else if (value == MARKING_UNKNOWN)
        buf_str(why, " cannot be resolved: not predefined, not in this file, not in this log");
}

/* What to name as the reason: a TLP:RED that is plain, else what cannot be understood, else the narrowest. */
static uint64_t weight(uint64_t value)
{
    return value == TLP_RED ? MARKING_FOREIGN + 1 : value;
}

int markings_resolve(struct markings *markings, const struct import_source *source, const struct stix_object *object,
                     bool last, enum tlp *ret, bool *ret_unknown, struct err *err)
{
    uint64_t narrowest = TLP_NONE;
    *ret_unknown = false;
    buf_clear(&markings->why);
    for (size_t i = 0; i < object->marking_count; i++) {
        uint64_t value;
        int rc = look_up(markings, source, object->markings[i], &value, err);
        if (rc < 0)
            return rc;
        *ret_unknown = *ret_unknown || value == MARKING_UNKNOWN;
        if (weight(value) > weight(narrowest)) {
            narrowest = value;
            say_why(markings, object->markings[i], value);
        }
    }
    *ret = narrowest < MARKING_UNKNOWN ? (enum tlp)narrowest : TLP_RED;
    /* Narrower than TLP:RED it cannot become: no need to wait. */
    if (last || narrowest == TLP_RED)
        *ret_unknown = false;
    return 0;
}
