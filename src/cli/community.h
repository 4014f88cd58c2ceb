/* What the commands about communities share: which one is meant, how it stands, saying something in one's log. */
#ifndef TONGZHOU_CLI_COMMUNITY_H
#define TONGZHOU_CLI_COMMUNITY_H

#include "cli/session.h"
#include "governance/desk.h"

#define SHORT_HASH 12 /* hex digits that people see and type */

struct desk_session {
    struct session session;
    struct arena arena;
    struct log_info self; /* who speaks: --as, or the operator */
    uint8_t hash[32];
    struct community now;
};

#define DESK_SIGN 1u   /* something will be appended */
#define DESK_NOBODY 2u /* nobody speaks, and the node need have no operator */

/* Open store and index, with who speaks. 0, or an exit status after having said why. */
int community_session(struct invocation *inv, struct desk_session *desk, unsigned flags);
void community_session_end(struct desk_session *desk);

/* A whole command that appends something. */
int community_command(struct invocation *inv, int (*run)(struct invocation *inv, struct desk_session *desk));

/* One that only looks. Without an argument the operator's community is meant; with one there need be no operator. */
int community_look(struct invocation *inv, int (*what)(struct invocation *inv, struct desk_session *desk));

/* Read the community that `text` names, or, if it is NULL, the only one to which the speaker belongs. */
int community_read(struct invocation *inv, struct desk_session *desk, const char *text);
int community_walk_again(struct invocation *inv, struct desk_session *desk);

/* Append these records' texts to the speaker's log as one batch, and fold them. */
int community_append(struct invocation *inv, struct desk_session *desk, const struct buf *texts, size_t count);

/* The same for one statement about a community. */
int community_say(struct invocation *inv, struct desk_session *desk, const struct statement *statement);

/* An endorsement of `version`; parent NULL: of a first one. */
struct statement community_endorsement(const uint8_t version[32], const uint8_t *parent);

/* Fails if the speaker has endorsed a child of `parent`: a further endorsement there would be without effect. */
int community_refuse_second(struct invocation *inv, struct desk_session *desk, const uint8_t parent[32]);

/* Whole origin of what a person typed; into the arena. A log that is not here is named by its whole origin. */
int community_member_named(struct invocation *inv, struct desk_session *desk, const char *text, const char **ret);

void put_hash(FILE *out, const uint8_t hash[32]);                          /* the first SHORT_HASH digits */
void put_origin(FILE *out, const char *origin);                            /* short, escaped */
void put_address(FILE *out, const char *address);                          /* of a member, or MEMBER#NAME, a group */
void put_origins(FILE *out, const char *const *origins, size_t count);     /* separated by commas; "nobody" */
void json_hash(struct buf *out, const char *name, const uint8_t hash[32]); /* "name":"HEX" */
void json_origins(struct buf *out, const char *name, const char *const *origins, size_t count);

/* What the last version in force needs, and who has not spoken, in a line or two. */
void put_outlook(FILE *out, const struct community *community, const struct community_version *version);

/* How the version with this hash stands, a line. */
void put_version(const struct desk_session *desk, const uint8_t hash[32]);

#endif
