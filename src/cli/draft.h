/* What `publish` would say and `preview` looks at: the same options, the same checks, the same text. */
#ifndef TONGZHOU_CLI_DRAFT_H
#define TONGZHOU_CLI_DRAFT_H

#include "cli/parcel.h"
#include "connect/preview.h"

struct draft {
    enum tlp tlp;
    struct parcel_wish wish;
    struct buf body, text;           /* of the record */
    struct log_info log;             /* that speaks */
    struct named_audience *audience; /* in the session's arena, as what the preview holds */
    struct preview preview;
};

/* Options and the file, before anything is opened. 0, or an exit status after having said why; draft_done in every case. */
int draft_check(struct invocation *inv, struct draft *ret);

/* Its text, and who would get it. `dry`: nothing is made for it. */
int draft_make(struct invocation *inv, struct session *session, bool dry, struct draft *draft);
void draft_done(struct draft *draft);

/* Would it not be said, for what the preview shows? Then inv->err says why, with the first whom it does not reach. */
bool draft_refused(struct invocation *inv, const struct draft *draft);

/* Options that both take, one a line, for their tables. */
#define DRAFT_OPTIONS                                                                                                  \
    {"kind", "K", "what it is: capability/name, as security/stix", ONCE},                                              \
        {"tlp", "T", "clear, green, amber, amber+strict or red", ONCE},                                                \
        {"type", "M", "media type of the body", AT_MOST_ONCE}, {"lang", "L", "its language, BCP 47", AT_MOST_ONCE},    \
        {"ref", "R", "a record that it refers to, MEMBER/INDEX, or a URI", ANY_NUMBER},                                \
        {"to", "MEMBER", "whom it is for: a member, a group MEMBER#NAME, or 'MEMBER PERSON'", ANY_NUMBER},             \
        {"keep", NULL, "for nobody else: its content stays on this node", AT_MOST_ONCE},                               \
        {"parcel", NULL, "encrypted to --to as well, so that nodes carry it that may not read it", AT_MOST_ONCE},      \
        {"expires", "D", "when nodes forget the parcel: a duration (default 30d)", AT_MOST_ONCE},                      \
        {"as", "MEMBER", "a member that lives on this node (default: the operator)", AT_MOST_ONCE},                    \
    {                                                                                                                  \
        "local", NULL, "into the node's local log, which is never served", AT_MOST_ONCE                                \
    }

/* The preview for people, on standard output; members that are not meant one by one only with `all`. */
void draft_print(const struct preview *preview, bool all);

#endif
