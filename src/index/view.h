/*
 * The only door out. A view is what one viewer may see through one outlet; every way out of the node opens one, and
 * every outlet stands in the table below: that is what makes "who sees what" testable.
 *
 * What the public sees: logs of roles LOG_OWN, LOG_MIRROR and LOG_MOVED (not frozen rows' effects, but all bytes),
 * their entries and proofs; payloads that are TLP:CLEAR. Never LOG_LOCAL, never LOG_LISTED's content, never a payload
 * that is not CLEAR, or that policy does not let leave; not held, not clear, not shared and erased are not told apart. A
 * member that signed its request sees the logs that the public sees, and the payloads in whose audience it is
 * (record/audience.h), those that are CLEAR among them, if policy lets them leave for it. What is for named persons is given
 * out by the node of its author alone. A user who is signed in here (state/users.h) sees all logs and, where the role allows
 * it, all contents but those that wait and those for named persons of whom it is none; policy is not asked, for nothing
 * leaves the node. The operator (the command line) sees everything here, and exports nothing that is for named persons.
 */
#ifndef TONGZHOU_INDEX_VIEW_H
#define TONGZHOU_INDEX_VIEW_H

#include "index/capability.h"
#include "index/index.h"
#include "index/judge.h"
#include "state/lists.h"
#include "state/payload.h"
#include "state/reach.h"
#include "state/role.h"

enum viewer_class { VIEWER_PUBLIC, VIEWER_OPERATOR, VIEWER_MEMBER, VIEWER_USER };

struct viewer {
    enum viewer_class class;
    const char *origin; /* VIEWER_MEMBER: whose request key signed the request */
    int64_t time_ms;    /* VIEWER_MEMBER: when: groups change */
    const char *name;   /* VIEWER_USER: who is signed in, as what, and what for (state/role.h) */
    enum role role;
    unsigned scopes;
    const char *person; /* VIEWER_USER: ORIGIN/NAME, as contents for named persons name it; NULL: none of them */
    const char *guest;  /* VIEWER_USER: the hosted member whose person it is; NULL: the operator's */
};

enum outlet {
    OUTLET_HTTP_LOGS,     /* /logs/...: checkpoints, tiles, bundles, payload bundles */
    OUTLET_HTTP_HEADS,    /* /heads */
    OUTLET_HTTP_EVENTS,   /* /events: what is new */
    OUTLET_HTTP_STATUS,   /* /healthz, /metrics */
    OUTLET_HTTP_PAGES,    /* the pages and their data */
    OUTLET_HTTP_SEARCH,   /* searching in what the pages show */
    OUTLET_HTTP_SWEEP,    /* sweeping an uploaded file */
    OUTLET_HTTP_DECIDE,   /* what policy holds, for whoever decides */
    OUTLET_CLI_LOG,       /* log, show, members, status, verify */
    OUTLET_CLI_SWEEP,     /* sweep */
    OUTLET_EXPORT,        /* export FORMAT */
    OUTLET_EXPORT_STATIC, /* export-static */
    OUTLET_PACK,          /* pack */
    OUTLET_LUGGAGE,       /* member export */
    OUTLET_TELL,          /* tell: hooks, mail, system logs */
    OUTLET_PREVIEW,       /* preview, and the same on the page and for programs */
    OUTLETS
};

struct outlet_info {
    const char *name, *what;
    bool public_only; /* may never be opened for the operator: what leaves for others */
    bool store_only;  /* asks the index nothing: a view through it has none, but a member's */
    bool members;     /* may be opened for a member */
    /* What a user must be allowed to do for it to be opened for him; ACTION_NONE: a user is the public here. */
    enum role_action users;
};
extern const struct outlet_info outlet_table[OUTLETS];

struct crowd;

#define VIEW_LOGS_CACHED 8

/* Of a log's contents that are marked for this viewer, which does policy let leave? */
enum view_sharing { SHARING_ALL, SHARING_SOME, SHARING_NONE };

/*
 * A log's rows are asked for by the million; what the store says of the log is looked up once a view.
 *   settled  the index has folded all that the store holds of the log, so its rows say what is held, too
 */
struct view_log_seen {
    int64_t number; /* 0: free */
    bool visible, settled;
    enum view_sharing sharing;
};

#define VIEW_GROUPS_CACHED 8

/* A bundle's contents are for the same few groups mostly; who is in one is looked up once a view. */
struct view_group_seen {
    uint64_t key; /* 0: free */
    int64_t since_ms;
    bool is_in;
};

struct view {
    struct store *store;
    struct index *index; /* may be NULL for outlets that read logs only */
    struct viewer viewer;
    enum outlet outlet;
    int64_t guest_log;  /* of a guest: the number of its member's log */
    struct reach reach; /* of a member: the words that reach it, but its community's, */
    int64_t came;       /* and what had come for anybody before they were looked up (reach_count) */
    struct judge judge; /* private to view_share.c, as the next three: the policy in force, once it is looked at */
    bool is_prepared;   /* it was; */
    bool is_asked;      /* it has rules that may keep something that is CLEAR from this viewer, */
    struct policy_bits looker;                         /* of whom they may be about these */
    struct view_log_seen seen[VIEW_LOGS_CACHED];       /* private to view.c */
    struct view_group_seen groups[VIEW_GROUPS_CACHED]; /* private to view_audience.c, but for */
    bool is_behind; /* a member was given less, because the index has not folded all that says who is in a group */
};

/* May the outlet be opened for this viewer? */
bool outlet_admits(enum outlet outlet, const struct viewer *viewer);

/* ERR_REFUSED if the outlet is not for this class of viewer. Nothing to close; open one a request. */
int view_open(struct store *store, struct index *index, struct viewer viewer, enum outlet outlet, struct view *ret,
              struct err *err);

/* ---- logs ---- */

bool view_sees_log(const struct view *view, const struct log_info *log);
int view_logs(const struct view *view, int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx,
              struct err *err);

/* As store_heads: visible logs that have a head. *ret_next: where to go on; it passes those that are not visible. */
int view_heads(const struct view *view, int64_t since, size_t max,
               int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx, int64_t *ret_next,
               struct err *err);

/* Logs that are visible and for which something came for this member after `reached`, and that view_heads since `since` did
 * not give. *ret_reached: where to go on. Nothing for others. */
int view_heads_came(const struct view *view, int64_t since, int64_t reached, size_t max,
                    int (*each)(void *ctx, const struct log_info *log, struct err *err), void *ctx,
                    int64_t *ret_reached, struct err *err);

/* ERR_NOTFOUND also for logs that the viewer may not see. */
int view_log_by_number(const struct view *view, int64_t number, struct log_info *ret, struct err *err);
int view_log_by_hash(const struct view *view, const uint8_t hash[32], struct log_info *ret, struct err *err);
int view_log_find(const struct view *view, struct span text, struct log_info *ret, struct err *err);

/* These take a log that view_* gave out. ERR_NOTFOUND as the store's. */
int view_checkpoint(const struct view *view, const struct log_info *log, struct buf *out, struct err *err);

/* Bytes of a tile of hashes or of a bundle, appended; any width that the log has reached is served. */
int view_tile(const struct view *view, const struct log_info *log, const struct tile *tile, struct buf *out,
              struct err *err);
int view_tile_file(const struct view *view, const struct log_info *log, const struct tile *tile, struct tile_bytes *ret,
                   struct err *err);
int view_payloads(const struct view *view, const struct log_info *log, uint64_t first, size_t count, struct buf *out,
                  size_t *ret_count, struct err *err);

/* A tlog-proof file: inclusion of the entry in the present head. */
int view_proof(const struct view *view, const struct log_info *log, uint64_t index, struct buf *out_proof_file,
               struct err *err);

/* ---- audiences ---- */

/* Is it somebody of this node, the operator or a user, from whom no log is hidden? */
static inline bool view_is_inside(const struct view *view)
{
    return view->viewer.class == VIEWER_OPERATOR || view->viewer.class == VIEWER_USER;
}

/* Is it somebody of the operator's own: not a person of a member that is a guest here? */
static inline bool view_is_of_operator(const struct view *view)
{
    return view_is_inside(view) && !view->viewer.guest;
}

/* May a content be seen by its marking and whom it names? What a member sees by its audience is not asked here. */
bool view_admits(const struct view *view, const struct record *record);
/* The same for a whole record of a known author: of a guest what its member says or is in the audience of, besides. */
int view_admits_guest(const struct view *view, struct span author, const struct record *record, bool *ret,
                      struct err *err);

/*
 * The same for SQL: contents that are not shown to the public are admitted if their `tlp` is in this range, or if the index's
 * table `person` has a row of this name for them.
 */
struct view_held {
    int least, most;
    struct span person; /* .len 0: no name that stands there */
};
struct view_held view_held(const struct view *view);

/*
 * Persons of members that live here, for whom something is held and who have no account: at most `max`, by name. Who they
 * are, and neither what it is nor how much. ERR_REFUSED for others than the operator and administrators.
 */
int view_persons_waiting(const struct view *view, size_t max,
                         int (*each)(void *ctx, struct span person, struct err *err), void *ctx, struct err *err);

/*
 * Is this member in the audience of what `author` says in this record? Whoever is asked for does not look itself: the view
 * only knows communities, groups and hosts.
 */
int view_audience(const struct view *view, struct span member, int64_t time_ms, struct span author,
                  const struct record *record, enum audience_verdict *ret, struct err *err);

/* Does any capability here know groups, communities? */
bool view_knows_groups(void);
bool view_knows_communities(void);

/* As any of them says: is the member in the group then; is anybody in it; are both of one community, or one of any? */
bool view_in_group(const struct view *view, struct span group, struct span member, int64_t time_ms);
int64_t view_group_record(const struct view *view, struct span group, int64_t time_ms);
enum group_state view_group_state(const struct view *view, struct span group);

/* Numbers that change when it may be answered otherwise who is in this group (.len 0: in any; of whose community), and what
 * this member is in. */
uint64_t view_audience_mark(const struct view *view, struct span group);
uint64_t view_membership_mark(const struct view *view, struct span member);
bool view_same_community(const struct view *view, struct span a, struct span b);

/* Contents that are not for everybody, given to members by this process; from any thread. */
uint64_t view_restricted_given(void);

/* All of them at once, as in_group and same_community would say of each (index/crowd.h); can they be asked so? */
bool view_knows_many(void);
int view_each_in_group(const struct view *view, struct span group, int64_t time_ms,
                       int (*each)(void *ctx, struct span member, int64_t since_ms, struct err *err), void *ctx,
                       struct err *err);
bool view_in_group_since(const struct view *view, struct span author, struct span group, struct span member,
                         int64_t time_ms, int64_t *ret_since_ms);
int view_each_of_community(const struct view *view, struct span member,
                           int (*each)(void *ctx, struct span other, struct err *err), void *ctx, struct err *err);

/* On whose node this member lives, by its own profile as it is here; "" nobody's. */
int view_host_of(const struct view *view, struct span guest, char ret[ORIGIN_MAX + 1], struct err *err);

/* Was a member given less since the last call, because the index had not folded all yet? Any thread. */
bool view_was_behind(void);

/* Has the index folded all that is here of this log? Asked for members alone; whoever lives here is not kept waiting. */
bool view_is_folded(const struct view *view, struct span origin);

/* ---- policy ---- */

/* Has policy rules that may keep something CLEAR from this viewer? If not, all that is CLEAR leaves. */
bool view_asks(const struct view *view);

/*
 * Does policy let this content leave for the view's viewer? Only that: whether its marking and audience are for him is asked
 * besides. Without a rule about it CLEAR leaves, and what its author gets back; else it stays.
 *   bytes  of the record's text
 */
bool view_shares(const struct view *view, const struct log_info *log, const struct record *record, size_t bytes);

/* The same for all CLEAR contents of a log at once, as far as that can be said. */
enum view_sharing view_sharing(const struct view *view, const struct log_info *log);

/* Can policy let anything that is for few leave this log for the view's member? */
bool view_may_share(const struct view *view, const struct log_info *log);

/* ---- who gets it ---- */

/* A content that somebody may be given, and what of it is the same for whoever that is. */
struct view_content {
    const struct log_info *log;
    const struct record *record;
    size_t bytes;             /* of its text */
    struct judge_ready ready; /* private, as the next: what rules see of it, once somebody was asked about */
    bool is_ready;
    const struct crowd *crowd; /* NULL; else what was looked up for many (index/crowd.h) */
};

/* Why a content leaves for somebody, or stays. */
struct view_answer {
    enum audience_verdict audience;
    struct policy_verdict policy; /* asked if the audience admits him; then `act` and `line` say what decided */
    bool is_given;
};

/*
 * Does the view's viewer, a member or the public, get this content from here? Its audience has to admit him, and policy has
 * to let it leave. What is served and what a preview says both come from here.
 */
int view_gives(const struct view *view, struct view_content *content, struct view_answer *ret, struct err *err);

/* A member's view without the words that reach it: for asking view_gives, not for reading. */
struct view view_as(const struct view *view, const char *member, int64_t time_ms);

/* The same view, for another member. */
int view_turn(struct view *view, const struct log_info *member, struct err *err);

/* Can a request that this member signs be told from others', and is it heard? */
enum view_hearing { HEARING_GOOD, HEARING_UNKNOWN, HEARING_SUSPENDED };
enum view_hearing view_hearing(const struct log_info *member);

/* ---- records ---- */

struct view_record {
    struct log_info log;
    uint64_t index;
    int64_t ref;
    enum entry_class entry_class;
    struct span entry; /* the entry's bytes */
    bool has_text;     /* the record's text may be seen: it stands in the entry, or its payload is held and visible */
    struct span text, salt; /* salt only for payloads */
    bool cut;               /* text is only the beginning of a long one: its header, for lists */
    bool parsed;            /* text is a well-formed record */
    struct record record;
    bool erased; /* for the operator and users; others see a hole */
    bool
        waiting; /* policy holds it, so that nobody sees it but who decides: the operator, users by OUTLET_HTTP_DECIDE */
    bool folded; /* some capability took it in */
};

/* One record; spans in the arena. ERR_NOTFOUND no such entry for this viewer. */
int view_record(const struct view *view, const struct log_info *log, uint64_t index, struct arena *arena,
                struct view_record *ret, struct err *err);

/* The same by its ref. */
int view_record_ref(const struct view *view, int64_t ref, struct arena *arena, struct view_record *ret,
                    struct err *err);

/*
 * The same for a list of many: of a text longer than VIEW_BRIEF_MAX only the beginning is read, and not compared with its
 * seal (`cut`), so that nobody makes a list slow for everybody by saying long things.
 */
#define VIEW_BRIEF_MAX ((size_t)256 << 10)
int view_record_brief(const struct view *view, int64_t ref, struct arena *arena, struct view_record *ret,
                      struct err *err);

/* May the viewer see this record's text? The test that every query of every capability applies to its rows. */
bool view_sees_ref(const struct view *view, int64_t ref);

/* A label that somebody here has adopted from a list (state/lists.h). */
struct view_label {
    const struct list_word *word;
    const struct list_item *item;
    bool is_inside; /* the viewer is of the operator's own people: who adopted it, and why, is for them */
};

/* Labels of a record whose text the viewer may see, as far as the lists they are from are for him. */
int view_labels(const struct view *view, const char *origin, uint64_t index,
                int (*each)(void *ctx, const struct view_label *label, struct err *err), void *ctx, struct err *err);

struct view_query {
    int64_t number;   /* one log's, or 0: all */
    struct span kind; /* .len 0: all */
    int64_t since_ms;
    size_t limit;
    uint64_t before; /* with number: indices below this; 0: from the newest */
};

struct view_row {
    int64_t ref, time_ms;
    const char *origin, *kind;
    enum tlp tlp;
    const struct span *to; /* whom it names */
    size_t to_count;
    bool has_text;     /* else only its seal is here (or may be seen) */
    const char *title; /* one line about it, given by the capability or the type; escaped nowhere */
};

/* Newest first: by time for all logs, by index for one. Visible rows only: of all logs records with their text, of one
 * log without a kind also entries of which only the seal can be seen. */
int view_list(const struct view *view, const struct view_query *query,
              int (*each)(void *ctx, const struct view_row *row, struct err *err), void *ctx, struct err *err);

#endif
