#include "http/router.h"

#include "http/account.h"
#include "http/assets.h"
#include "http/target.h"

static bool each_of(const struct route *routes, size_t count, bool (*each)(void *ctx, const struct route *route),
                    void *ctx)
{
    for (size_t i = 0; i < count; i++) {
        if (!each(ctx, &routes[i]))
            return false;
    }
    return true;
}

void router_each(bool (*each)(void *ctx, const struct route *route), void *ctx)
{
    bool more =
        each_of(asset_routes, asset_route_count, each, ctx) && each_of(account_routes, account_route_count, each, ctx);
    for (size_t i = 0; more && capabilities[i]; i++) {
        const struct capability *capability = capabilities[i];
        more = each_of(capability->routes, capability->route_count, each, ctx) &&
               each_of(capability->page_routes, capability->page_route_count, each, ctx);
    }
}

struct search {
    struct http_request *request;
    const struct route *best;
    struct span part[sizeof(((struct http_request *)0)->part) / sizeof(struct span)];
    size_t part_count, best_literal;
    unsigned allowed;
    int rc;
    struct err *err;
};

static bool try_route(void *ctx, const struct route *route)
{
    struct search *search = ctx;
    size_t literal;
    int rc = http_pattern_match(route->pattern, search->request->path, search->request->arena, search->request,
                                &literal, search->err);
    if (rc < 0)
        search->rc = rc;
    if (rc <= 0)
        return rc == 0;
    search->allowed |= 1u << route->method;
    if (route->method != search->request->method || (search->best && literal <= search->best_literal))
        return true;
    search->best = route;
    search->best_literal = literal;
    search->part_count = search->request->part_count;
    memcpy(search->part, search->request->part, sizeof(search->part));
    return true;
}

int router_find(struct http_request *request, const struct route **ret_route, unsigned *ret_allowed, struct err *err)
{
    struct search search = {.request = request, .err = err};
    router_each(try_route, &search);
    if (search.rc < 0)
        return search.rc;
    memcpy(request->part, search.part, sizeof(request->part));
    request->part_count = search.part_count;
    *ret_route = search.best;
    *ret_allowed = search.allowed;
    return 0;
}
