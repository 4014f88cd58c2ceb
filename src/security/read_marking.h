/* What marking definitions mean: those predefined, those in the source, those known elsewhere. */
#ifndef TONGZHOU_SECURITY_READ_MARKING_H
#define TONGZHOU_SECURITY_READ_MARKING_H

#include "security/import_map.h"
#include "security/read_impl.h"

#define MARKING_DEFINITIONS_MAX 65536 /* in one source; those behind them count as unknown */

struct markings {
    struct import_map known;
    struct buf why; /* of the last resolution */
};

void markings_init(struct markings *markings);
void markings_done(struct markings *markings);

/* Learn from a marking-definition object of the source. */
int markings_learn(struct markings *markings, const struct stix_object *object, struct err *err);

/*
 * The narrowest TLP of an object's markings; markings->why says by which (escaped text).
 *   last         nothing more will be learned: what is unknown now counts as TLP_RED
 *   ret_unknown  a marking is not known yet; the object should wait
 */
int markings_resolve(struct markings *markings, const struct import_source *source, const struct stix_object *object,
                     bool last, enum tlp *ret, bool *ret_unknown, struct err *err);

#endif
