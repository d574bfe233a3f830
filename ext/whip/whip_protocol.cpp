// SPDX-License-Identifier: LGPL-2.1-or-later
#include "whip_protocol.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <nlohmann/json.hpp>

#include "rtcingest/ice_server.hpp"
#include "rtcingest/secret.hpp"

namespace onair::whip {
namespace {

constexpr std::string_view kSdp = "application/sdp";
constexpr std::string_view kSdpFragment = "application/trickle-ice-sdpfrag";
constexpr std::string_view kEndpointMethods = "POST, OPTIONS";
constexpr std::string_view kSessionMethods = "PATCH, DELETE, OPTIONS";

struct Title {
  unsigned status;
  std::string_view text;
};
constexpr std::array<Title, 14> kTitles{{{400, "Bad Request"},
                                         {401, "Unauthorized"},
                                         {404, "Not Found"},
                                         {405, "Method Not Allowed"},
                                         {406, "Not Acceptable"},
                                         {409, "Conflict"},
                                         {412, "Precondition Failed"},
                                         {413, "Content Too Large"},
                                         {415, "Unsupported Media Type"},
                                         {422, "Unprocessable Content"},
                                         {428, "Precondition Required"},
                                         {429, "Too Many Requests"},
                                         {500, "Internal Server Error"},
                                         {503, "Service Unavailable"}}};

std::string_view title_of(unsigned status) {
  const auto* const title = std::find_if(kTitles.begin(), kTitles.end(),
                                         [&](const Title& one) { return one.status == status; });
  return title == kTitles.end() ? "Error" : title->text;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t'))
    text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t'))
    text.remove_suffix(1);
  return text;
}

// RFC 6750 section 3: 401 with a challenge, and with an error code only when a token was given.
std::optional<Response> check_token(const Request& request, const EndpointState& endpoint) {
  if (endpoint.token.empty())
    return std::nullopt;
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view given = request.authorization;
  if (given.size() < kScheme.size() ||
      !equals_ignoring_case(given.substr(0, kScheme.size()), kScheme))
    return problem(401, "Send the publisher's token as \"Authorization: Bearer TOKEN\".",
                   {{"WWW-Authenticate", "Bearer realm=\"whip\""}});
  if (!equals_in_constant_time(trimmed(given.substr(kScheme.size())), endpoint.token))
    return problem(401, "The token is not the one of this endpoint.",
                   {{"WWW-Authenticate",
                     "Bearer realm=\"whip\", error=\"invalid_token\", "
                     "error_description=\"The token is not valid here\""}});
  return std::nullopt;
}

std::optional<Response> check_content_type(const Request& request, std::string_view wanted,
                                           std::string_view header) {
  if (request.content_type == wanted)
    return std::nullopt;
  const auto given = request.content_type.empty() ? "nothing" : request.content_type;
  return problem(415,
                 "The body must be " + std::string{wanted} + "; Content-Type says " + given + ".",
                 {{std::string{header}, std::string{wanted}}});
}

// Whether an Accept header (RFC 9110 section 12.5.1) lets application/sdp through: the most specific
// range that fits decides. Absent: anything.
bool accepts_sdp(std::string_view accept) {
  if (trimmed(accept).empty())
    return true;
  int best = -1;
  bool is_accepted = false;
  for (const auto part : sdp::split(accept, ',')) {
    const auto parameters = sdp::split(part, ';');
    if (parameters.empty())
      continue;
    const auto range = trimmed(parameters.front());
    const int specificity = equals_ignoring_case(range, kSdp)              ? 2
                            : equals_ignoring_case(range, "application/*") ? 1
                            : range == "*/*"                               ? 0
                                                                           : -1;
    if (specificity <= best)
      continue;
    best = specificity;
    is_accepted = std::none_of(parameters.begin() + 1, parameters.end(), [](auto parameter) {
      const auto text = trimmed(parameter);
      return text == "q=0" || text == "q=0.0" || text == "q=0.00" || text == "q=0.000";
    });
  }
  return is_accepted;
}

Response malformed(std::string_view what, const sdp::SyntaxError& error) {
  return problem(400, std::string{what} + " can't be read: line " + std::to_string(error.line) +
                          ": " + error.what + ".");
}

Action handle_options(std::string_view methods, std::string_view accept_header,
                      std::string_view type) {
  return Response{
      .status = 204,
      .headers = {{"Allow", std::string{methods}}, {std::string{accept_header}, std::string{type}}},
      .content_type = {},
      .body = {}};
}

Action method_not_allowed(std::string_view method, std::string_view methods) {
  return problem(405,
                 std::string{method} + " has no meaning here; use " + std::string{methods} + ".",
                 {{"Allow", std::string{methods}}});
}

Action handle_post(const Request& request, const EndpointState& endpoint) {
  if (auto refused = check_content_type(request, kSdp, "Accept-Post"))
    return *std::move(refused);
  if (!accepts_sdp(request.accept))
    return problem(406, "The answer is application/sdp, which the Accept header rules out.");
  if (!endpoint.is_ready)
    return problem(503, "The endpoint is not playing yet.", {{"Retry-After", "1"}});
  if (endpoint.session && !endpoint.session->is_replaceable)
    return problem(409, "Another publisher is live on this endpoint.", {{"Retry-After", "2"}});
  const auto offer = sdp::parse(request.body);
  if (const auto* error = std::get_if<sdp::SyntaxError>(&offer))
    return malformed("The offer", *error);
  auto plan =
      plan_session(std::get<sdp::Description>(offer), {.simulcast = endpoint.takes_simulcast});
  if (const auto* refusal = std::get_if<Refusal>(&plan))
    return problem(refusal->is_malformed ? 400 : 422, refusal->detail);
  return Publish{std::get<Plan>(std::move(plan))};
}

// "*" or a list of entity tags, RFC 9110 section 13.1.1. Weak tags never match.
bool matches(std::string_view if_match, std::string_view etag) {
  const auto tags = sdp::split(if_match, ',');
  return std::any_of(tags.begin(), tags.end(),
                     [&](std::string_view tag) { return trimmed(tag) == etag; });
}

Action handle_patch(const Request& request, const SessionState& session) {
  if (auto refused = check_content_type(request, kSdpFragment, "Accept-Patch"))
    return *std::move(refused);
  const auto if_match = trimmed(request.if_match);
  if (if_match.empty())
    return problem(428, "Send the session's entity tag in If-Match, or \"*\" to restart ICE.");
  const bool is_restart = if_match == "*";
  if (!is_restart && !matches(if_match, session.etag))
    return problem(412, "The entity tag in If-Match is not that of the current ICE session.");
  auto fragment = parse_sdpfrag(request.body);
  if (const auto* error = std::get_if<sdp::SyntaxError>(&fragment))
    return malformed("The SDP fragment", *error);
  auto& parsed = std::get<SdpFragment>(fragment);
  const bool is_current =
      parsed.credentials == IceCredentials{} || parsed.credentials == session.remote;
  if (is_restart) {
    // Section 4.3.3: "*" goes with credentials of a new ICE session.
    if (is_current)
      return problem(400, "To restart ICE, send a new ice-ufrag and ice-pwd.");
    return RestartIce{std::move(parsed)};
  }
  if (!is_current)
    return problem(400,
                   "ice-ufrag or ice-pwd are not those of the current ICE session; send "
                   "If-Match: * to restart ICE.");
  return Trickle{std::move(parsed)};
}

// RFC 9110 section 5.6.4.
std::string quoted_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (!sdp::is_control(c))
      out += c;
  }
  return out + "\"";
}

}  // namespace

Response problem(unsigned status, std::string_view detail, Headers headers) {
  const nlohmann::ordered_json document{
      {"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  // Foreign text may be quoted in the detail; what is not UTF-8 is replaced, not thrown at.
  constexpr auto kReplace = nlohmann::ordered_json::error_handler_t::replace;
  return {.status = status,
          .headers = std::move(headers),
          .content_type = "application/problem+json",
          .body = document.dump(-1, ' ', false, kReplace)};
}

Action handle(const Request& request, const EndpointState& endpoint) {
  const std::string_view path = request.path;
  const bool is_endpoint = path == endpoint.path;
  const std::string prefix = endpoint.path + (endpoint.path.ends_with('/') ? "" : "/");
  const bool is_session_path = !is_endpoint && path.starts_with(prefix);
  if (!is_endpoint && !is_session_path)
    return problem(404, "There is nothing here; the WHIP endpoint is " + endpoint.path + ".");

  // Preflights carry no credentials.
  if (request.method == "OPTIONS")
    return is_endpoint ? handle_options(kEndpointMethods, "Accept-Post", kSdp)
                       : handle_options(kSessionMethods, "Accept-Patch", kSdpFragment);
  if (is_endpoint && request.method != "POST")
    return method_not_allowed(request.method, kEndpointMethods);
  if (is_session_path && request.method != "PATCH" && request.method != "DELETE")
    return method_not_allowed(request.method, kSessionMethods);
  if (auto refused = check_token(request, endpoint))
    return *std::move(refused);
  if (is_endpoint)
    return handle_post(request, endpoint);
  if (!endpoint.session || path.substr(prefix.size()) != endpoint.session->id)
    return problem(404, "There is no such session; it may have ended.");
  if (request.method == "DELETE")
    return Terminate{};
  return handle_patch(request, *endpoint.session);
}

Response published(const EndpointState& endpoint, const SessionState& session, std::string answer) {
  Headers headers{
      {"Location", endpoint.path + (endpoint.path.ends_with('/') ? "" : "/") + session.id},
      {"ETag", session.etag},
      {"Accept-Patch", std::string{kSdpFragment}}};
  headers.insert(headers.end(), endpoint.ice_servers.begin(), endpoint.ice_servers.end());
  return {.status = 201,
          .headers = std::move(headers),
          .content_type = std::string{kSdp},
          .body = std::move(answer)};
}

// Section 4.3.2: no body, no ETag.
Response trickled() {
  return {.status = 204, .headers = {}, .content_type = {}, .body = {}};
}

Response restarted(const SessionState& session, const Plan& plan, const SdpFragment& ours) {
  const auto& first = plan.media.front();
  return {.status = 200,
          .headers = {{"ETag", session.etag}},
          .content_type = std::string{kSdpFragment},
          .body = to_text(ours, to_string(first.kind), first.mid)};
}

Response terminated() {
  return {.status = 200, .headers = {}, .content_type = {}, .body = {}};
}

Headers cors_headers() {
  return {{"Access-Control-Allow-Origin", "*"},
          {"Access-Control-Allow-Methods", "POST, PATCH, DELETE, OPTIONS"},
          {"Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match"},
          {"Access-Control-Expose-Headers", "Location, ETag, Link, Retry-After, Accept-Patch"},
          {"Access-Control-Max-Age", "86400"}};
}

Headers ice_server_links(std::string_view stun_server, std::string_view turn_server) {
  Headers links;
  for (const auto& server : ice_servers(stun_server, turn_server)) {
    std::string link = "<" + server.url + ">; rel=\"ice-server\"";
    if (!server.username.empty())
      link += "; username=" + quoted_string(server.username) +
              "; credential=" + quoted_string(server.credential) + "; credential-type=\"password\"";
    links.emplace_back("Link", std::move(link));
  }
  return links;
}

}  // namespace onair::whip
