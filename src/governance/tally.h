/*
 * Voices as they come in: an endorsement costs a few rows however large the community is and however many versions it had.
 * Over index.db:
 *
 *   governance_poll    a row a community of which something can be decided: whose children are counted (x'' before the
 *                      founding: version 1 itself), and how many voices it takes
 *   governance_voter   the operators that have one
 *   governance_tally   how many each child has
 *
 * Only when a child has got as many as it takes is the community looked at (governance_refold): fewer cannot change
 * what is in force, and after that only a text can.
 */
#ifndef TONGZHOU_GOVERNANCE_TALLY_H
#define TONGZHOU_GOVERNANCE_TALLY_H

#include "governance/fold.h"

/* An endorsement with effect, from this log. 1: *ret_community has to be looked at; 0: it need not. */
int tally_child(struct index *index, const uint8_t parent[32], const uint8_t roster[32], struct span origin,
                uint8_t ret_community[32], struct err *err);

/* The same for one of a version 1; `again`: this log endorsed it before. */
int tally_founding(struct index *index, const uint8_t roster[32], struct span origin, bool again, struct err *err);

#endif
