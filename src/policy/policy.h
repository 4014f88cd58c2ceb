/*
 * The node's own rules: ordered, first match decides, every verdict names its rule. A pure core: text in, verdicts out.
 * What the rules act upon, and what happens when they change, is state/rules.h.
 *
 * A policy answers four questions. Which verb answers which:
 *
 *   mirror full | recent N | heads | none     is a member's log pulled, and which of its contents
 *   accept | hold | limit RATE | refuse accept   does a content enter
 *   share | refuse share                      does a content leave
 *   enforce | refuse enforce                  does it take effect here
 *
 * The language (one rule a line; see man/tongzhou-policy.5 for all of it):
 *
 *   set partners = { cert.example.org/k5xq… isac.example.net/77ab… }
 *   trust @partners = 3
 *   mirror recent 10000 trust 0
 *   hold kind culture/essay from ! @partners reason "works of strangers are read first"
 *   refuse accept size > 1MB from ! @partners reason "too long"
 *   share tlp <= amber to-class { state civil }
 *   refuse enforce score < 30 reason "too uncertain to block anybody"
 *
 * Compiled rules are immutable and may be read by any number of threads. A rule is a bit; for each value that a condition
 * can tell apart there is a row of bits: those whose condition holds. A decision is the AND of a few rows: what is known of a
 * member and of a content is looked up once, and combined for each pair (docs/performance.md, "policy").
 */
#ifndef TONGZHOU_POLICY_POLICY_H
#define TONGZHOU_POLICY_POLICY_H

#include "base/buf.h"
#include "base/err.h"
#include "record/member.h"

#define POLICY_FILE_MAX (1u << 20) /* bytes of a policy file: 2,000 rules and 10,000 origins */
#define POLICY_TEXT_MAX (3u << 20) /* bytes of a policy: the file, and the adopted lists behind it */
#define POLICY_RULES_MAX 2048      /* rules of a file */
#define POLICY_SETS_MAX 1024       /* named sets */
#define POLICY_ITEMS_MAX 262144    /* items of all sets and lists */
#define POLICY_USES_MAX (4u << 20) /* the same, a set's counted for each rule that names it: how long compiling takes */
#define POLICY_NESTING_MAX 8       /* sets within sets */
#define POLICY_RANGES_MAX 16       /* ranges in one condition */
#define POLICY_REASON_MAX 256      /* bytes */
#define POLICY_ERRORS_MAX 50       /* told at once */
#define POLICY_TRUST_MAX 4         /* trust levels are 0..4 */
#define POLICY_SCORE_MAX 100       /* as STIX's confidence */
#define POLICY_NONE UINT64_MAX     /* a score or age that is not stated */
#define POLICY_WORD_BITS 64
#define POLICY_WORDS (POLICY_RULES_MAX / POLICY_WORD_BITS + 4) /* each question's rules begin a word */
#define POLICY_VERSION_LEN 12                                  /* hex digits of the file's SHA-256 that name it */

enum policy_question { POLICY_MIRROR, POLICY_ACCEPT, POLICY_SHARE, POLICY_ENFORCE, POLICY_QUESTIONS };

enum policy_act {
    POLICY_YES,    /* accepted, shared, enforced */
    POLICY_HOLD,   /* accept: kept, waits for a person */
    POLICY_REFUSE, /* not accepted, not shared, not enforced */
    POLICY_OPEN,   /* depends on what is not known yet */
    POLICY_FULL,   /* mirror: this and the next three */
    POLICY_RECENT,
    POLICY_HEADS,
    POLICY_LEAVE, /* none */
};

/* "mirror", "accept", "share", "enforce". */
const char *policy_question_word(enum policy_question question);

struct policy;

/* ---- reading a file ---- */

struct policy_error {
    unsigned line, column; /* from 1; the column counts characters */
    char text[256];        /* what was found, what is allowed */
};

struct policy_errors {
    struct policy_error item[POLICY_ERRORS_MAX];
    size_t count;
    bool more; /* there are more than these */
};

/*
 * Lists that were adopted (state/lists.h) stand behind the file, below this line, as sets named list:NAME. Rules may name them
 * anywhere; one that was not adopted is an empty set.
 */
#define POLICY_LISTS_LINE "# lists as they were adopted"
#define POLICY_LIST_PREFIX "list:"

/* a-z, 0-9 and -, beginning with a letter; at most 64 bytes, and not "self". */
bool policy_set_name_valid(struct span name);

/* The file alone, as a part of `text`: what stands in front of a line end and the lists. */
struct span policy_file_part(struct span text);

/*
 * Read and compile. An erroneous line is told and passed, so that a person sees all at once.
 * ERR_SYNTAX: `errors` says where; err is the first of them. ERR_LIMIT the file is too long, ERR_MEMORY. `text` need not live
 * on.
 */
int policy_parse(struct span text, struct policy **ret, struct policy_errors *errors, struct err *err);
void policy_free(struct policy *policy);

/* What holds where there is no file. */
extern const char policy_builtin[];

struct span policy_text(const struct policy *policy);
const char *policy_version(const struct policy *policy); /* POLICY_VERSION_LEN hex digits */
void policy_version_of(struct span text, char out[POLICY_VERSION_LEN + 1]);
size_t policy_rule_count(const struct policy *policy);

/* Are there rules about it that can say anything but yes? If not, nobody needs to ask. */
bool policy_decides(const struct policy *policy, enum policy_question question);

/* Do rules about it look at the age of contents, so that what holds now may not hold tomorrow? At scores? At counters? */
bool policy_looks_at_age(const struct policy *policy, enum policy_question question);
bool policy_looks_at_score(const struct policy *policy, enum policy_question question);
bool policy_counts(const struct policy *policy);

/* Do any look at what an author, or a viewer, says of itself, so that its profile has to be read? */
bool policy_looks_at_profile(const struct policy *policy, bool of_viewer);

/* Do any rules look at groups, so that somebody has to be asked who is in them? */
bool policy_looks_at_groups(const struct policy *policy);

/* Does all leave for whom it is, whatever its marking: is the first rule that shares one without conditions? */
bool policy_shares_all(const struct policy *policy);

/* ---- deciding ---- */

/* A row of bits, a rule each. What is in it is private. */
struct policy_bits {
    uint64_t word[POLICY_WORDS];
};

struct policy_member {
    struct span origin;
    bool is_self; /* it lives on this node */
    enum member_class class;
    struct span jurisdiction;          /* .len 0: not stated */
    const struct member_list *sectors; /* NULL: none */
    /* Is the member in this group ("ORIGIN#name")? NULL: in none. */
    bool (*in_group)(void *ctx, struct span group);
    void *ctx;
};

/* Which rules may be about what this author says. */
void policy_author(const struct policy *policy, const struct policy_member *member, struct policy_bits *ret);

/* Which rules may be about this viewer; NULL: the public, who is no member. */
void policy_viewer(const struct policy *policy, const struct policy_member *member, struct policy_bits *ret);

/* Trust by the file's `trust` lines, first match; without one 4 for members that live here, 0 for others. */
unsigned policy_trust(const struct policy *policy, const struct policy_member *member);

struct policy_content {
    struct span kind, language; /* .len 0: not stated */
    enum tlp tlp;
    uint64_t score; /* POLICY_NONE: not stated */
    uint64_t size;  /* bytes of the record's text */
    uint64_t age_s; /* seconds since its time; 0 for the future, POLICY_NONE: not stated */
};

/* What is known of a content: `may` match, and does (`must`). */
struct policy_known {
    struct policy_bits may, must;
    enum tlp tlp;
};

void policy_known(const struct policy *policy, const struct policy_content *content, struct policy_known *ret);
void policy_known_tlp(const struct policy *policy, enum tlp tlp,
                      struct policy_known *ret); /* nothing but the marking */
void policy_known_nothing(const struct policy *policy, struct policy_known *ret);

/* What a member has brought in so far, the content in question not among it. */
struct policy_counts {
    uint64_t records_hour, records_day, bytes_hour, bytes_day;
};

struct policy_verdict {
    enum policy_act act;
    unsigned line;      /* of the rule; 0: no rule matched, so it is what holds without */
    struct span rule;   /* its text; valid as long as the policy */
    struct span reason; /* .len 0: none given */
    uint64_t recent;    /* POLICY_RECENT: entries */
};

/*
 * The first rule that matches decides. Without one: mirror: POLICY_OPEN (as the node is set), accept and enforce: yes,
 * share: yes for TLP:CLEAR, else refused.
 *   viewer  for POLICY_SHARE; else ignored, and may be NULL
 *   counts  for POLICY_ACCEPT; NULL: nothing was brought in
 * POLICY_OPEN if the first rule that may match need not.
 */
void policy_decide(const struct policy *policy, enum policy_question question, const struct policy_bits *author,
                   const struct policy_bits *viewer, const struct policy_known *known,
                   const struct policy_counts *counts, struct policy_verdict *ret);

/* The rule that stands in this line: its verdict's texts, as a policy of another version would have given them. */
bool policy_rule_at(const struct policy *policy, unsigned line, struct policy_verdict *ret);

/* ---- explaining ---- */

/* A line for each rule, in the order in which they are asked: "line 4: ...". */
void policy_explain(const struct policy *policy, struct buf *out);

/*
 * Each line of the file that names this set (list:NAME, or a set's own name), once, as it stands there; other sets that stand
 * for it are not looked through. `each` gets a part of the policy's text.
 */
void policy_naming(const struct policy *policy, const char *set,
                   void (*each)(void *ctx, unsigned line, struct span text), void *ctx);

/*
 * What is legal and can hardly be meant: rules that can never match, names that nobody here has, sets that nobody uses,
 * trust given to a mere name. Only what is certain, each once, 500 at most.
 *   members, count  who is known here
 *   groups_known    groups can be asked for on this node
 */
void policy_warn(const struct policy *policy, const struct policy_member *members, size_t count, bool groups_known,
                 void (*each)(void *ctx, unsigned line, const char *text), void *ctx);

#endif
