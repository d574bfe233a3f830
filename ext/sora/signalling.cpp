// SPDX-License-Identifier: LGPL-2.1-or-later
#include "signalling.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "rtcingest/sdpfrag.hpp"
#include "rtcingest/secret.hpp"

namespace onair::sora {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::uint16_t kNormal = 1000;
constexpr std::uint16_t kRefused = 4490;
constexpr std::size_t kLongestId = 255;  // bytes, as Sora has it
constexpr int kDeepest = 32;             // levels of JSON; nobody nests metadata deeper
constexpr unsigned kMostAudioKbps = 510;
constexpr unsigned kMostVideoKbps = 50'000;

struct SimulcastLayer {
  const char* rid;
  double scale;
};
// Sora's three, from the smallest.
constexpr std::array<SimulcastLayer, 3> kLayers{{{"r0", 4}, {"r1", 2}, {"r2", 1}}};

// What stands in a message does not get through: a foreign word that is no UTF-8 is replaced.
std::string to_text(const OrderedJson& json) {
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

Close invalid(std::string_view detail) {
  return refusal("INVALID-MESSAGE", detail);
}

std::string in_seconds(Duration duration) {
  const auto text = std::to_string(std::chrono::duration<double>{duration}.count());
  const auto last = text.find_last_not_of('0');
  return text.substr(0, text[last] == '.' ? last : last + 1) + " s";
}

// Nothing where it is no JSON, or nested so deep that writing it again would not end well.
std::optional<Json> parse(std::string_view text) {
  bool is_too_deep = false;
  const auto keep = [&](int depth, Json::parse_event_t, Json&) {
    is_too_deep = is_too_deep || depth > kDeepest;
    return !is_too_deep;
  };
  auto json = Json::parse(text, keep, false);
  return json.is_discarded() || is_too_deep ? std::nullopt : std::optional{std::move(json)};
}

const Json* member(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// What goes through C strings and into logs.
bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= kLongestId &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\t' || sdp::is_control(c); });
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// An optional id; nothing where it is wrong.
std::optional<std::string> read_id(const Json& object, const char* name) {
  const auto* value = member(object, name);
  if (!value)
    return std::string{};
  if (!value->is_string() || !is_id(value->get_ref<const std::string&>()))
    return std::nullopt;
  return value->get<std::string>();
}

struct Medium {
  bool is_wanted = true;
  std::optional<unsigned> kbps;
  std::string profile_level_id;
};

// `audio` and `video` are a flag, or an object that says more; absent: wanted.
std::variant<Medium, Close> read_medium(const Json& connect, const char* name,
                                        std::string_view codec, unsigned most_kbps) {
  const std::string what = name;
  Medium medium;
  const auto* value = member(connect, name);
  if (!value)
    return medium;
  if (value->is_boolean()) {
    medium.is_wanted = value->get<bool>();
    return medium;
  }
  if (!value->is_object())
    return invalid("\"" + what + "\" is neither a boolean nor an object.");
  if (const auto* type = member(*value, "codec_type")) {
    if (!type->is_string())
      return invalid("\"codec_type\" of \"" + what + "\" is no string.");
    const auto& wanted = type->get_ref<const std::string&>();
    if (!equals_ignoring_case(wanted, codec))
      return refusal("UNSUPPORTED-CODEC", "The only " + what + " taken here is " +
                                              std::string{codec} + ", and " + wanted +
                                              " was asked for.");
  }
  if (const auto* rate = member(*value, "bit_rate")) {
    if (!rate->is_number_unsigned() || rate->get<std::uint64_t>() < 1 ||
        rate->get<std::uint64_t>() > most_kbps)
      return invalid("\"bit_rate\" of \"" + what + "\" is not from 1 to " +
                     std::to_string(most_kbps) + " kbit/s.");
    medium.kbps = rate->get<unsigned>();
  }
  const auto* parameters = member(*value, "h264_params");
  if (const auto* profile =
          parameters && parameters->is_object() ? member(*parameters, "profile_level_id") : nullptr)
    medium.profile_level_id = profile->is_string() ? profile->get<std::string>() : "?";
  return medium;
}

// Six hexadecimal digits: Baseline, Main or High, as negotiation takes them.
bool is_profile(std::string_view text) {
  constexpr std::array<std::string_view, 3> kProfiles{"42", "4d", "64"};
  const bool is_hex =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  return text.size() == 6 && is_hex &&
         std::any_of(kProfiles.begin(), kProfiles.end(), [&](std::string_view profile) {
           return equals_ignoring_case(text.substr(0, 2), profile);
         });
}

OrderedJson notification(const ConnectRequest& request) {
  const bool is_sendrecv = request.role == Role::SendRecv;
  return {{"type", "notify"},
          {"event_type", "connection.created"},
          {"role", to_string(request.role)},
          {"audio", request.audio},
          {"video", request.video},
          {"minutes", 0},
          {"channel_connections", 1},
          {"channel_sendrecv_connections", is_sendrecv ? 1 : 0},
          {"channel_sendonly_connections", is_sendrecv ? 0 : 1},
          {"channel_recvonly_connections", 0}};
}

}  // namespace

struct Signalling::Message {
  Json json;
  [[nodiscard]] const Json* operator[](const char* name) const { return member(json, name); }
  [[nodiscard]] std::optional<std::string> text(const char* name) const {
    const auto* value = member(json, name);
    return value && value->is_string() ? std::optional{value->get<std::string>()} : std::nullopt;
  }
};

const char* to_string(Role role) {
  return role == Role::SendOnly ? "sendonly" : "sendrecv";
}

Close refusal(std::string_view name, std::string_view detail) {
  auto reason = std::string{name} + ": " + std::string{detail};
  if (reason.size() > Close::kLongestReason) {
    auto end = Close::kLongestReason;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80)
      --end;  // not inside a character
    reason.resize(end);
  }
  return {kRefused, std::move(reason)};
}

Close farewell(EndReason reason, std::string_view detail) {
  switch (reason) {
    case EndReason::Deleted:
      return {kNormal, "TYPE-DISCONNECT"};
    case EndReason::Application:
      return {kNormal, "DISCONNECTED-API"};
    case EndReason::Stopped:
      return {kNormal, "SHUTDOWN"};
    default:
      break;
  }
  std::string name = to_string(reason);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return refusal(name, detail);
}

std::optional<Close> check_admission(const ConnectRequest& request, const Rules& rules) {
  if (!rules.is_ready)
    return refusal("NOT-READY", "The server takes no publisher at present.");
  if (!rules.channel_id.empty() && !equals_in_constant_time(request.channel_id, rules.channel_id))
    return refusal("CHANNEL-ID-NOT-FOUND", "There is no such channel here.");
  if (!rules.token.empty() && !equals_in_constant_time(request.access_token, rules.token))
    return refusal("AUTH-FAILURE", request.access_token.empty()
                                       ? "Send the publisher's token as metadata.access_token."
                                       : "The access token is not the one of this channel.");
  return std::nullopt;
}

Offering offering_for(const ConnectRequest& request, bool takes_simulcast) {
  Offering offering{.audio = request.audio,
                    .video = request.video,
                    .profile_level_id = request.profile_level_id,
                    .rids = {},
                    .audio_kbps = request.audio_kbps,
                    .video_kbps = request.video_kbps};
  if (request.video && request.simulcast && takes_simulcast) {
    for (const auto& layer : kLayers)
      offering.rids.emplace_back(layer.rid);
  }
  return offering;
}

Signalling::Event Signalling::on_text(std::string_view frame, ClockTime now) {
  auto json = parse(frame);
  if (!json)
    return refusal("INVALID-JSON", "The message can't be read as JSON.");
  const Message message{*std::move(json)};
  const auto type = message.json.is_object() ? message.text("type") : std::nullopt;
  if (!type)
    return invalid("The message has no \"type\".");
  if (*type == "connect")
    return on_connect(message);
  if (*type == "disconnect")
    return Goodbye{message.text("reason").value_or("")};
  if (state_ == State::Opened)
    return invalid("The first message must be \"connect\", and \"" + *type + "\" came.");
  if (*type == "pong") {
    last_pong_ = now;
    return Nothing{};
  }
  if (*type == "answer")
    return on_answer(message);
  if (*type == "candidate")
    return on_candidate(message);
  return invalid("A message of the type \"" + *type + "\" has no meaning here.");
}

Signalling::Event Signalling::on_connect(const Message& message) {
  if (state_ != State::Opened)
    return invalid("\"connect\" came twice.");
  const auto role = message.text("role");
  if (!role)
    return invalid("\"connect\" has no \"role\".");
  if (*role != "sendonly" && *role != "sendrecv")
    return refusal(
        "UNSUPPORTED-ROLE",
        "Nothing is sent from here: publish as sendonly or sendrecv, not " + *role + ".");
  ConnectRequest request;
  request.role = *role == "sendonly" ? Role::SendOnly : Role::SendRecv;
  auto channel_id = read_id(message.json, "channel_id");
  if (!channel_id || channel_id->empty())
    return invalid("\"channel_id\" is missing, or not text of 1 to 255 bytes.");
  auto client_id = read_id(message.json, "client_id");
  auto bundle_id = read_id(message.json, "bundle_id");
  if (!client_id || !bundle_id)
    return invalid("\"client_id\" or \"bundle_id\" is not text of 1 to 255 bytes.");
  request.channel_id = *std::move(channel_id);
  request.client_id = *std::move(client_id);
  request.bundle_id = *std::move(bundle_id);

  const auto audio = read_medium(message.json, "audio", "OPUS", kMostAudioKbps);
  if (const auto* close = std::get_if<Close>(&audio))
    return *close;
  const auto video = read_medium(message.json, "video", "H264", kMostVideoKbps);
  if (const auto* close = std::get_if<Close>(&video))
    return *close;
  const auto& sound = std::get<Medium>(audio);
  const auto& picture = std::get<Medium>(video);
  if (!sound.is_wanted && !picture.is_wanted)
    return invalid("\"audio\" and \"video\" are both false: there is nothing to publish.");
  if (!picture.profile_level_id.empty()) {
    if (!is_profile(picture.profile_level_id))
      return refusal(
          "UNSUPPORTED-CODEC",
          "H.264 is taken as Baseline, Main or High: \"profile_level_id\" is something else.");
    request.profile_level_id = picture.profile_level_id;
  }
  request.audio = sound.is_wanted;
  request.video = picture.is_wanted;
  request.audio_kbps = sound.kbps;
  request.video_kbps = picture.kbps;
  // Once it named the layer that a viewer wants: an object, then.
  const auto* simulcast = message["simulcast"];
  request.simulcast = simulcast && (simulcast->is_object() || *simulcast == true);
  const auto* redirect = message["redirect"];
  request.is_redirected = redirect && *redirect == true;
  if (const auto* metadata = message["metadata"]) {
    request.metadata = metadata->dump();
    const auto* token = metadata->is_object() ? member(*metadata, "access_token") : nullptr;
    if (token && token->is_string())
      request.access_token = token->get<std::string>();
  }
  state_ = State::Requested;
  request_ = request;
  return request;
}

Signalling::Event Signalling::on_answer(const Message& message) {
  if (state_ == State::Requested)
    return invalid("\"answer\" came before there was an offer.");
  if (state_ == State::Answered)
    return invalid("\"answer\" came twice.");
  const auto text = message.text("sdp");
  if (!text)
    return invalid("\"answer\" has no \"sdp\".");
  auto parsed = sdp::parse(*text);
  if (const auto* error = std::get_if<sdp::SyntaxError>(&parsed))
    return refusal("INVALID-SDP", "Line " + std::to_string(error->line) + ": " + error->what + ".");
  state_ = State::Answered;
  return Answer{std::get<sdp::Description>(std::move(parsed))};
}

Signalling::Event Signalling::on_candidate(const Message& message) {
  if (state_ == State::Requested)
    return invalid("\"candidate\" came before there was an offer.");
  auto candidate = message.text("candidate");
  if (!candidate)
    return invalid("\"candidate\" has no \"candidate\".");
  if (candidate->empty())
    return Nothing{};  // that was the last
  if (!is_candidate(*candidate))
    return invalid("The candidate does not follow RFC 8839.");
  if (++candidates_ > config_.most_candidates)
    return invalid("More than " + std::to_string(config_.most_candidates) + " candidates came.");
  return Candidate{*std::move(candidate)};
}

Signalling::Due Signalling::tick(ClockTime now) {
  if (state_ == State::Opened) {
    if (now - opened_at_ <= config_.connect_timeout)
      return Nothing{};
    return refusal("CONNECT-TIMEOUT",
                   "No \"connect\" came within " + in_seconds(config_.connect_timeout) + ".");
  }
  if (state_ == State::Requested)
    return Nothing{};
  if (config_.pong_timeout > Duration::zero() && now - last_pong_ > config_.pong_timeout)
    return refusal("PONG-TIMEOUT",
                   "No \"pong\" came within " + in_seconds(config_.pong_timeout) + ".");
  if (now - last_ping_ < config_.ping_interval)
    return Nothing{};
  last_ping_ = now;
  return to_text({{"type", "ping"}, {"stats", false}});
}

std::string Signalling::client_id_or(const std::string& connection_id) const {
  return request_.client_id.empty() ? connection_id : request_.client_id;
}

std::string Signalling::bundle_id_or(const std::string& connection_id) const {
  return request_.bundle_id.empty() ? connection_id : request_.bundle_id;
}

std::string Signalling::offer(const OfferMessage& message, ClockTime now) {
  state_ = State::Offered;
  last_ping_ = now;
  last_pong_ = now;
  const auto& [session_id, connection_id] = message.identity;
  OrderedJson servers = OrderedJson::array();
  for (const auto& server : message.ice_servers) {
    OrderedJson one{{"urls", OrderedJson::array({server.url})}};
    if (!server.username.empty()) {
      one["username"] = server.username;
      one["credential"] = server.credential;
    }
    servers.push_back(std::move(one));
  }
  OrderedJson mids = OrderedJson::object();
  for (const auto kind : {MediaKind::Audio, MediaKind::Video}) {
    if (const auto mid = mid_of(message.sdp, kind); !mid.empty())
      mids[onair::to_string(kind)] = mid;
  }
  OrderedJson offer{{"type", "offer"},
                    {"version", message.version},
                    {"simulcast", message.is_simulcast},
                    {"simulcast_multicodec", false},
                    {"spotlight", false},
                    {"channel_id", request_.channel_id},
                    {"session_id", session_id},
                    {"client_id", client_id_or(connection_id)},
                    {"bundle_id", bundle_id_or(connection_id)},
                    {"connection_id", connection_id},
                    {"sdp", sdp::to_text(message.sdp)},
                    {"config", {{"iceServers", servers}, {"iceTransportPolicy", "all"}}},
                    {"mid", mids}};
  if (message.is_simulcast) {
    OrderedJson encodings = OrderedJson::array();
    for (const auto& layer : kLayers)
      encodings.push_back(
          {{"rid", layer.rid}, {"active", true}, {"scaleResolutionDownBy", layer.scale}});
    offer["encodings"] = std::move(encodings);
  }
  return to_text(offer);
}

std::string Signalling::created(const Identity& identity) const {
  auto message = notification(request_);
  message["session_id"] = identity.session_id;
  message["client_id"] = client_id_or(identity.connection_id);
  message["bundle_id"] = bundle_id_or(identity.connection_id);
  message["connection_id"] = identity.connection_id;
  return to_text(message);
}

std::string redirect(std::string_view location) {
  return to_text({{"type", "redirect"}, {"location", location}});
}

}  // namespace onair::sora
