/* Routes of the connecting half: what peers and monitoring ask for. Pages stand in pages.h. */
#ifndef TONGZHOU_CONNECT_ROUTES_H
#define TONGZHOU_CONNECT_ROUTES_H

#include "http/route.h"

#define CONNECT_ROUTES 6
extern const struct route connect_routes[CONNECT_ROUTES];

/* routes_status.c */
int route_node(const struct view *view, const struct http_request *request, struct http_reply *reply, struct err *err);
int route_well_known(const struct view *view, const struct http_request *request, struct http_reply *reply,
                     struct err *err);
int route_health(const struct view *view, const struct http_request *request, struct http_reply *reply,
                 struct err *err);
/* routes_metrics.c */
int route_metrics(const struct view *view, const struct http_request *request, struct http_reply *reply,
                  struct err *err);

struct http_server;

/* The running server, whose counters /metrics shows; NULL before it stops. */
void route_metrics_server(const struct http_server *server);

#endif
