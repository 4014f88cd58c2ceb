/* The stream of what is new: events.c. */
#ifndef TONGZHOU_HTTP_EVENTS_H
#define TONGZHOU_HTTP_EVENTS_H

#include "http/route.h"

int route_events(const struct view *view, const struct http_request *request, struct http_reply *reply,
                 struct err *err);

#endif
