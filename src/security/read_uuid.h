/* UUIDs as others write them, and those made from a name. */
#ifndef TONGZHOU_SECURITY_READ_UUID_H
#define TONGZHOU_SECURITY_READ_UUID_H

#include "base/span.h"

#define UUID_TEXT 36

/* UUIDv5 (RFC 9562 section 5.5) of a name, as UUID_TEXT characters and a NUL. */
void uuid5(const uint8_t space[16], struct span name, char out[UUID_TEXT + 1]);

/* Is it a UUID in text form, digits of any case? */
bool uuid_valid(struct span text);

/* A valid UUID in lower case. */
void uuid_lower(struct span text, char out[UUID_TEXT + 1]);

#endif
