/* Object paths of STIX patterns, and which of them name an indicator's value; private to security. */
#ifndef TONGZHOU_SECURITY_PATTERN_PATH_H
#define TONGZHOU_SECURITY_PATTERN_PATH_H

#include "security/pattern_token.h"
#include "sweep/sweep.h"

struct path {
    enum { PATH_OTHER, PATH_VALUE, PATH_TYPE, PATH_PORT } role;
    enum ioc_type ioc; /* PATH_VALUE: of this type; IOC_NONE: an address or a name, whichever it is */
    enum { PATH_NO_END, PATH_SOURCE, PATH_DESTINATION } end; /* of network traffic */
};

/* Read "type:property.property[*].'quoted'..." and go behind it. */
int path_take(struct pattern_lexer *lexer, struct path *ret, struct err *err);

#endif
