// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/whip_proxy.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string_view>

#include "api/ascii.hpp"
#include "http_reply.hpp"

namespace live {
namespace {

using onair::ErrorPtr;
using onair::GstPtr;

constexpr const char* kEndpoint = "/whip";
// A worker answers an offer when it has gathered candidates, or given up.
constexpr unsigned kTimeoutSeconds = 20;

constexpr const char* kRequestHeaders[] = {"Content-Type",
                                           "If-Match",
                                           "Origin",
                                           "User-Agent",
                                           "Access-Control-Request-Method",
                                           "Access-Control-Request-Headers"};
// Hop-by-hop ones (RFC 9110 section 7.6.1), and those that the server makes itself.
constexpr std::string_view kOwn[] = {"Connection",       "Content-Length", "Date",
                                     "Keep-Alive",       "Location",       "Server",
                                     "Transfer-Encoding"};

bool is_own(std::string_view name) {
  return std::any_of(std::begin(kOwn), std::end(kOwn),
                     [name](std::string_view own) { return equals_ignoring_case(own, name); });
}

struct Exchange {
  GstPtr<SoupServerMessage> theirs;
  GstPtr<SoupMessage> ours;
  std::string from;
  WhipProxy::OnAnswer on_answer;
};

void copy_answer(const Exchange& exchange, GBytes* body) {
  auto* theirs = exchange.theirs.get();
  auto* ours = exchange.ours.get();
  const auto status = soup_message_get_status(ours);
  soup_server_message_set_status(theirs, status, nullptr);
  auto* to = soup_server_message_get_response_headers(theirs);
  auto* headers = soup_message_get_response_headers(ours);
  SoupMessageHeadersIter each;
  soup_message_headers_iter_init(&each, headers);
  const char* name = nullptr;
  const char* value = nullptr;
  while (soup_message_headers_iter_next(&each, &name, &value))
    if (!is_own(name))
      soup_message_headers_replace(to, name, value);
  if (const char* location = soup_message_headers_get_one(headers, "Location")) {
    const std::string_view path = location;
    const auto at = path.find(kEndpoint);
    if (at != std::string_view::npos)
      set_header(theirs, "Location",
                 exchange.from + std::string{path.substr(at + std::string_view{kEndpoint}.size())});
  }
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(body, &size));
  if (status != SOUP_STATUS_NO_CONTENT)
    soup_message_body_append(soup_server_message_get_response_body(theirs), SOUP_MEMORY_COPY, data,
                             size);
}

void on_answered(GObject* session, GAsyncResult* result, gpointer data) {
  const std::unique_ptr<Exchange> exchange{static_cast<Exchange*>(data)};
  GError* raw = nullptr;
  GBytes* body = soup_session_send_and_read_finish(SOUP_SESSION(session), result, &raw);
  const ErrorPtr error{raw};
  if (body) {
    copy_answer(*exchange, body);
    g_bytes_unref(body);
  } else {
    set_header(exchange->theirs.get(), "Retry-After", "1");
    send_error(exchange->theirs.get(), 503,
               std::string{"The channel's process does not answer: "} + error->message + ".");
  }
  soup_server_message_unpause(exchange->theirs.get());
  if (exchange->on_answer)
    exchange->on_answer(soup_server_message_get_status(exchange->theirs.get()));
}

}  // namespace

// As many connections as there are publishers: those of ten workers that hang would keep all others waiting.
WhipProxy::WhipProxy()
    : session_{GstPtr<SoupSession>::adopt(
          soup_session_new_with_options("timeout", kTimeoutSeconds, "max-conns", G_MAXINT,
                                        "max-conns-per-host", G_MAXINT, nullptr))} {}

void WhipProxy::forward(SoupServerMessage* message, const std::string& from,
                        const std::string& resource, unsigned port, const std::string& token,
                        OnAnswer on_answer) {
  soup_server_message_pause(message);
  const auto uri = "http://127.0.0.1:" + std::to_string(port) + kEndpoint + resource;
  auto ours = GstPtr<SoupMessage>::adopt(
      soup_message_new(soup_server_message_get_method(message), uri.c_str()));
  if (!ours) {
    send_error(message, 404, "There is nothing at " + from + resource + ".");
    return soup_server_message_unpause(message);
  }
  auto* headers = soup_server_message_get_request_headers(message);
  for (const char* name : kRequestHeaders)
    if (const char* value = soup_message_headers_get_list(headers, name))
      soup_message_headers_replace(soup_message_get_request_headers(ours.get()), name, value);
  soup_message_headers_replace(soup_message_get_request_headers(ours.get()), "Authorization",
                               ("Bearer " + token).c_str());
  auto* body = soup_server_message_get_request_body(message);
  if (body->length > 0) {
    GBytes* bytes = soup_message_body_flatten(body);
    soup_message_set_request_body_from_bytes(
        ours.get(), soup_message_headers_get_content_type(headers, nullptr), bytes);
    g_bytes_unref(bytes);
  }
  auto* request = ours.get();
  soup_session_send_and_read_async(session_.get(), request, G_PRIORITY_DEFAULT, nullptr,
                                   on_answered,
                                   new Exchange{GstPtr<SoupServerMessage>::share(message),
                                                std::move(ours), from, std::move(on_answer)});
}

}  // namespace live
