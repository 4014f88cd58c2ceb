/* A handler's reply as libmicrohttpd sends it: conditions, ranges, headers. Private to the server. */
#ifndef TONGZHOU_HTTP_RESPOND_H
#define TONGZHOU_HTTP_RESPOND_H

#include <microhttpd.h>

#include "http/route.h"

/* Queue it; takes over what the reply holds. MHD_NO ends the connection. */
enum MHD_Result respond(struct MHD_Connection *connection, const struct http_request *request, struct http_reply *reply,
                        uint64_t *ret_bytes);

/* The same for a response that was made already, with the reply's headers; takes it over. */
enum MHD_Result respond_stream(struct MHD_Connection *connection, const struct http_request *request,
                               struct http_reply *reply, struct MHD_Response *response);

/* Free what a reply holds that is not sent. */
void respond_drop(struct http_reply *reply);

#endif
