/* All routes of this program: which one a request means. Built from capabilities[]; pure. */
#ifndef TONGZHOU_HTTP_ROUTER_H
#define TONGZHOU_HTTP_ROUTER_H

#include "http/route.h"

/* Call `each` with every route until it returns false: the server's own first, then capability after capability. */
void router_each(bool (*each)(void *ctx, const struct route *route), void *ctx);

/*
 * The route of a method and request->path; sets request->part[].
 *   ret_route    NULL: no such path, or not for this method
 *   ret_allowed  bits 1 << enum http_method of the methods that the path has; 0: no such path
 * Errors: ERR_SYNTAX a part of the path cannot be decoded; ERR_MEMORY.
 */
int router_find(struct http_request *request, const struct route **ret_route, unsigned *ret_allowed, struct err *err);

#endif
