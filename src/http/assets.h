/* Files of web/ and the catalogues of po/, compiled in. */
#ifndef TONGZHOU_HTTP_ASSETS_H
#define TONGZHOU_HTTP_ASSETS_H

#include "http/route.h"

/* The .mo catalogue of a page language; .len 0: none, its texts are the source's. */
struct span asset_catalogue(const char *lang);

/* "/assets/NAME?v=HASH" for a file that is compiled in: a new content has a new address. Points to static memory. */
const char *asset_url(const char *name);

/* Is it one of those below? They are the same for everybody. */
bool asset_is_route(const struct route *route);

/* "/assets/{name}" */
extern const struct route asset_routes[];
extern const size_t asset_route_count;

#endif
