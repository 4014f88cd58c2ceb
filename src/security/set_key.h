/* What stands behind the compiled set in DIR/sweep.set; private to security. */
#ifndef TONGZHOU_SECURITY_SET_KEY_H
#define TONGZHOU_SECURITY_SET_KEY_H

#include "security/intel.h"

/* As the machine has it in memory: the file never leaves it. */
struct set_key {
    char magic[16];
    uint64_t set_len;
    int64_t counter;            /* INDICATOR_COUNTER when it was made */
    int64_t next_change_ms;     /* when an indicator in it expires */
    int64_t policy;             /* rules_version.number that was in force */
    struct intel_counts counts; /* what the public may see, at that counter */
};

/* That of DIR/sweep.set, of whichever state of the index; false if there is none that can be read. */
bool set_key_read(struct index *index, struct set_key *ret);

/*
 * Count in the tables what is public by its marking.
 *   logs  a JSON list of numbers: of these logs only; NULL: of all
 */
int counts_read(struct index *index, const char *logs, struct intel_counts *ret, struct err *err);

#endif
