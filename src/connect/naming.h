/*
 * Is a member's name its own? Whoever holds the domain NAME says so in one of two places, either is enough:
 *
 *   a TXT record at _tongzhou.NAME            origin=NAME/H
 *   a line of https://NAME/.well-known/tongzhou   origin=NAME/H
 *
 * Looked up only when a person asks; the name comes from somebody else, so nothing but addresses of the public Internet is
 * dialled for it, no redirect is followed, and of the answer only whether it says this line is used. DNS answers are not
 * signed for us: whoever can forge them can forge this.
 */
#ifndef TONGZHOU_CONNECT_NAMING_H
#define TONGZHOU_CONNECT_NAMING_H

#include "state/names.h"

#define NAMING_PATH "/.well-known/tongzhou"
#define NAMING_TEXT_MAX 16384 /* bytes of the file: some hundred members of one operator */

struct sockaddr_in;

struct naming_options {
    const struct sockaddr_in *dns; /* ask this server; NULL: those of /etc/resolv.conf */
    const char *site;              /* where a test's website is, any address; NULL: https://NAME */
    unsigned timeout_ms;           /* of each; 0: 10 seconds */
    int64_t now_ms;
};

enum naming_said { NAMING_NOTHING, NAMING_ANOTHER, NAMING_THIS };

/* What a file's text says of this origin. */
enum naming_said naming_text(struct span text, const char *origin);

/* What the TXT records of a DNS message say of it. Any bytes. */
enum naming_said naming_message(struct span message, const char *origin);

/* Can this name stand in DNS? Its ASCII form, at most 240 bytes, into out[256]. */
bool naming_domain(const char *origin, char out[256]);

/* Look in both places. Not finding it is no error: ret->method NAME_NOWHERE, and what was found instead. */
int naming_check(const struct naming_options *options, const char *origin, struct name_check *ret, struct err *err);

/* "192.0.2.1" or "192.0.2.1:53". */
bool naming_server(const char *text, struct sockaddr_in *ret);

#endif
