// SPDX-License-Identifier: LGPL-2.1-or-later
#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <glib.h>

#include "api/ip_address.hpp"
#include "log_text.hpp"
#include "mp3_bitrates.hpp"

namespace live {
namespace {

struct KeyFileFree {
  void operator()(GKeyFile* file) const { g_key_file_free(file); }
};
struct ErrorFree {
  void operator()(GError* error) const { g_error_free(error); }
};
using ErrorPtr = std::unique_ptr<GError, ErrorFree>;

enum class Type { Text, Number, Seconds, Rate, Switch, Renditions };

// One setting: its long option is also its key in the file. A switch is on: --no-NAME turns it off. The value of
// renditions is all the settings, as the list says more.
struct Field {
  const char* name;
  Type type;
  void* value;
  const char* argument;
  const char* help;
};

using Fields = std::array<Field, 45>;

Fields fields_of(Settings& s) {
  return {{
      {"address", Type::Text, &s.address, "IP", "IP address to listen on (0.0.0.0: all)"},
      {"port", Type::Number, &s.port, "N", "port of the pages (8080)"},
      {"whip-port", Type::Number, &s.whip_port, "N", "port of the WHIP endpoint (the next one)"},
      {"hls-port", Type::Number, &s.hls_port, "N",
       "port of playlists and segments (the second next one)"},
      {"dir", Type::Text, &s.dir, "DIR", "folder for playlists and segments (they stay in memory)"},
      {"archive", Type::Text, &s.archive, "DIR",
       "folder that keeps everything that is broadcast, for good (nothing is kept)"},
      {"pages", Type::Text, &s.pages, "DIR", "folder of the web pages"},
      {"token", Type::Text, &s.token, "T", "what publishers must know (made up when not given)"},
      {"target-duration", Type::Seconds, &s.target_duration, "S",
       "average length of a segment in seconds, 0.5 to 60 (1)"},
      {"part-target", Type::Seconds, &s.part_target, "S",
       "length of a part in seconds, about, 0.1 to the segment's (0.17)"},
      {"low-latency", Type::Switch, &s.low_latency, "", "plain HLS: no parts, segments only"},
      {"window", Type::Seconds, &s.window, "S", "seconds that viewers can go back (12)"},
      {"hold-seconds", Type::Seconds, &s.hold_seconds, "S",
       "time for a publisher who vanished to come back, 0 to 86400; the picture stands still (10)"},
      {"hold-picture", Type::Text, &s.hold_picture, "NAME",
       "what stands for a picture that stays away for 3 s: black, or the last one (black)"},
      {"width", Type::Number, &s.width, "N", "width of the picture (as the publisher begins)"},
      {"height", Type::Number, &s.height, "N", "height of the picture (as the publisher begins)"},
      {"fps", Type::Number, &s.fps, "N", "frames per second of what fills a hole, 3 to 60 (30)"},
      {"video-kbps", Type::Number, &s.video_kbps, "N", "bit rate of the picture in kbit/s (2500)"},
      {"audio-codec", Type::Text, &s.audio_codec, "NAME",
       "of the sound: aac or mp3 (aac, but mp3 with --no-low-latency)"},
      {"audio-kbps", Type::Number, &s.audio_kbps, "N", "bit rate of the sound in kbit/s (128)"},
      {"renditions", Type::Renditions, &s, "JSON",
       "several pictures and sounds to choose from; @FILE reads it from there"},
      {"stun-server", Type::Text, &s.stun_server, "URL",
       "stun://host:port, when publishers are behind NAT"},
      {"jitterbuffer", Type::Text, &s.jitterbuffer, "NAME", "element that orders the packets"},
      {"min-rtp-port", Type::Number, &s.min_rtp_port, "N", "lowest UDP port for media (any)"},
      {"max-rtp-port", Type::Number, &s.max_rtp_port, "N", "highest UDP port for media (any)"},
      {"origin", Type::Switch, &s.origin, "", "somebody else serves the folder of --dir"},
      {"rtp-address", Type::Text, &s.rtp_address, "IP",
       "where channels take RTP that an SFU forwards (127.0.0.1: of this machine)"},
      {"data", Type::Text, &s.data, "DIR",
       "many channels, by the API, and their folder (one channel, without API)"},
      {"api-token", Type::Text, &s.api_token, "T",
       "what users of the API must know (made up when not given)"},
      {"metrics-token", Type::Text, &s.metrics_token, "T",
       "what may read /metrics and nothing else (an API token may as well)"},
      {"max-channels", Type::Number, &s.max_channels, "N", "of the API, 1 to 10000 (100)"},
      {"max-connections", Type::Number, &s.max_connections, "N",
       "publishers at a time of a channel that takes several (multi), 1 to 1000 (16)"},
      {"disk-quota", Type::Number, &s.disk_quota, "MB",
       "of each channel of the API, in megabytes; time shift gives way first (none)"},
      {"publishers-per-address", Type::Number, &s.publishers_per_address, "N",
       "channels that one address may publish to at a time (any number)"},
      {"requests-per-second", Type::Rate, &s.requests_per_second, "N",
       "that one address may send, on average (any number)"},
      {"trusted-proxies", Type::Text, &s.trusted_proxies, "LIST",
       "addresses and networks whose X-Forwarded-For, -Proto and -Host are taken (nobody's)"},
      {"log-format", Type::Text, &s.log_format, "NAME",
       "of the diary on standard error: text, or json, one object a line (text)"},
      {"tls-certificate", Type::Text, &s.tls_certificate, "FILE",
       "PEM: HTTPS on --port, by this certificate and those behind it in the file (plain HTTP)"},
      {"tls-key", Type::Text, &s.tls_key, "FILE", "PEM: its key (in the file of the certificate)"},
      {"webhook-secret", Type::Text, &s.webhook_secret, "TEXT",
       "signs what is sent to webhooks of channels (without one no event_webhook_url is taken)"},
      {"archive-directory", Type::Text, &s.archive_directory, "DIR",
       "channels' archives may be copied below it (to S3 only)"},
      {"public-url", Type::Text, &s.public_url, "URL",
       "of the API, as behind a proxy (by the request's Host)"},
      {"hls-url", Type::Text, &s.hls_url, "URL",
       "of playlists, as behind a cache (the same host by --hls-port)"},
      {"key-secret", Type::Text, &s.key_secret, "TEXT",
       "that keys of encrypted segments are made from (made up, and kept in the file key-secret of "
       "--data)"},
      {"key-rotation", Type::Number, &s.key_rotation, "N",
       "a new key each so many segments of an encrypted channel (one for each broadcast)"},
  }};
}

std::optional<Mistake> assign_renditions(const Field& field, const std::string& text) {
  const auto mistake = [&](const std::string& sentence) {
    return Mistake{std::string{"--"} + field.name + ": " + sentence};
  };
  std::string json = text;
  if (text.starts_with('@')) {
    const auto path = text.substr(1);
    gchar* raw = nullptr;
    GError* raw_error = nullptr;
    gsize length = 0;
    if (!g_file_get_contents(path.c_str(), &raw, &length, &raw_error)) {
      const ErrorPtr error{raw_error};
      return mistake("The file " + path + " can't be read: " + error->message + ".");
    }
    const std::unique_ptr<gchar, decltype(&g_free)> content{raw, &g_free};
    json.assign(content.get(), length);
  }
  auto read = read_hls_list(json);
  if (const auto* error = std::get_if<std::string>(&read))
    return mistake(*error);
  auto& settings = *static_cast<Settings*>(field.value);
  auto& hls = std::get<HlsList>(read);
  if (!hls.archive_destination.empty())
    return mistake(
        "archive is for channels of the API; --archive keeps what one channel broadcasts.");
  settings.renditions = std::move(hls.renditions);
  settings.start_offset = hls.start_seconds;
  settings.target_duration = hls.segment_seconds.value_or(settings.target_duration);
  return std::nullopt;
}

std::optional<Mistake> assign(const Field& field, const std::string& text) {
  const auto mistake = [&](const char* wanted) {
    return Mistake{std::string{"--"} + field.name + " is '" + text + "', but must be " + wanted +
                   "."};
  };
  if (field.type == Type::Text) {
    *static_cast<std::string*>(field.value) = text;
    return std::nullopt;
  }
  if (field.type == Type::Renditions)
    return assign_renditions(field, text);
  if (field.type == Type::Switch) {
    if (text != "true" && text != "false")
      return mistake("true or false");
    *static_cast<bool*>(field.value) = text == "true";
    return std::nullopt;
  }
  if (field.type == Type::Number) {
    guint64 number = 0;
    if (!g_ascii_string_to_unsigned(text.c_str(), 10, 0, 1'000'000, &number, nullptr))
      return mistake("a whole number from 0 to 1000000");
    *static_cast<unsigned*>(field.value) = static_cast<unsigned>(number);
    return std::nullopt;
  }
  char* end = nullptr;
  const double number = g_ascii_strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(number))
    return mistake(field.type == Type::Rate ? "a number, such as 20 or 0.5"
                                            : "a number of seconds, such as 2 or 1.5");
  *static_cast<double*>(field.value) = number;
  return std::nullopt;
}

const Field* find(const Fields& fields, std::string_view name) {
  const auto* const field = std::find_if(fields.begin(), fields.end(),
                                         [&](const Field& one) { return one.name == name; });
  return field == fields.end() ? nullptr : field;
}

std::optional<Mistake> read_file(const std::string& path, Settings& settings) {
  const std::unique_ptr<GKeyFile, KeyFileFree> file{g_key_file_new()};
  GError* raw = nullptr;
  if (!g_key_file_load_from_file(file.get(), path.c_str(), G_KEY_FILE_NONE, &raw)) {
    const ErrorPtr error{raw};
    return Mistake{"The config file " + path + " can't be read: " + error->message + "."};
  }
  constexpr const char* kGroup = "live";
  const std::unique_ptr<gchar*, decltype(&g_strfreev)> keys{
      g_key_file_get_keys(file.get(), kGroup, nullptr, nullptr), &g_strfreev};
  if (!keys)
    return Mistake{"The config file " + path + " has no section [live]."};
  const auto fields = fields_of(settings);
  for (gchar** key = keys.get(); *key; ++key) {
    const auto* const field = find(fields, *key);
    if (!field)
      return Mistake{"The config file " + path + " has a key '" + *key +
                     "' that does not exist; --help lists them."};
    const std::unique_ptr<gchar, decltype(&g_free)> value{
        g_key_file_get_string(file.get(), kGroup, *key, nullptr), &g_free};
    if (auto mistake = assign(*field, value ? value.get() : ""))
      return Mistake{path + ": " + mistake->text};
  }
  return std::nullopt;
}

std::string help_text(const Fields& fields) {
  std::string text =
      "Usage: onair-live-server [OPTION]...\n"
      "A browser publishes by WebRTC, a browser watches by HLS.\n\n"
      "  --config FILE           read settings from FILE (keys as below, in a section [live])\n";
  for (const auto& field : fields) {
    const char* no = field.type == Type::Switch ? "no-" : "";
    std::string option = std::string{"  --"} + no + field.name + " " + field.argument;
    option.resize(std::max<std::size_t>(option.size() + 1, 26), ' ');
    text += option + field.help + "\n";
  }
  return text +
         "  --help                  print this\n\n"
         "When it is ready it prints the addresses of the pages. Ctrl-C ends the broadcast\n"
         "cleanly. GST_DEBUG=whiplistensrc:4 shows what the ingest does.\n";
}

}  // namespace

std::optional<Mistake> assign(Settings& settings, const std::string& name,
                              const std::string& text) {
  const auto fields = fields_of(settings);
  const auto* const field = find(fields, name);
  return field ? assign(*field, text) : Mistake{"There is no setting '" + name + "'."};
}

unsigned hls_port_of(const Settings& settings) {
  return settings.hls_port != 0 ? settings.hls_port : settings.port != 0 ? settings.port + 2 : 0;
}

bool uses_aac(const Settings& settings) {
  return settings.audio_codec.empty() ? settings.low_latency : settings.audio_codec == "aac";
}

bool is_mp3_bitrate(unsigned kbps) {
  return std::find(kMp3Kbps.begin(), kMp3Kbps.end(), kbps) != kMp3Kbps.end();
}

std::variant<Settings, Help, Mistake> read_settings(int argc, char** argv) {
  Settings settings;
  const auto fields = fields_of(settings);
  std::vector<std::pair<const Field*, std::string>> given;
  std::string config;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--help" || argument == "-h")
      return Help{help_text(fields)};
    if (!argument.starts_with("--"))
      return Mistake{"'" + argument + "' is not an option; --help lists them."};
    std::optional<std::string> value;
    if (const auto equals = argument.find('='); equals != std::string::npos) {
      value = argument.substr(equals + 1);
      argument.resize(equals);
    }
    const auto* const field = std::find_if(fields.begin(), fields.end(), [&](const Field& one) {
      const bool is_switch = one.type == Type::Switch;
      return argument == (is_switch ? "--no-" : "--") + std::string{one.name};
    });
    if (field == fields.end() && argument != "--config")
      return Mistake{"There is no option " + argument + "; --help lists them."};
    if (field != fields.end() && field->type == Type::Switch) {
      if (value)
        return Mistake{argument + " takes no value."};
      value = "false";
    }
    if (!value && i + 1 < argc)
      value = argv[++i];
    if (!value)
      return Mistake{argument + " needs a value."};
    if (field == fields.end())
      config = *value;
    else
      given.emplace_back(&*field, *value);
  }
  if (!config.empty()) {
    if (auto mistake = read_file(config, settings))
      return *std::move(mistake);
  }
  for (const auto& [field, value] : given) {
    if (auto mistake = assign(*field, value))
      return *std::move(mistake);
  }
  if (auto mistake = check(settings))
    return *std::move(mistake);
  return settings;
}

std::optional<Mistake> check(const Settings& s) {
  const auto outside = [](const char* name, const std::string& given, const char* wanted) {
    return Mistake{std::string{"--"} + name + " is " + given + ", but must be " + wanted + "."};
  };
  if (s.port > 65535)
    return outside("port", std::to_string(s.port), "from 0 to 65535");
  if (s.whip_port > 65535 || (s.whip_port == 0 && s.port == 65535))
    return outside("whip-port", std::to_string(s.whip_port),
                   "from 1 to 65535 (it is the next after --port when not given)");
  if (s.whip_port != 0 && s.whip_port == s.port)
    return outside("whip-port", std::to_string(s.whip_port), "another one than --port");
  if (s.hls_port > 65535 || (s.hls_port == 0 && s.port > 65533))
    return outside("hls-port", std::to_string(s.hls_port),
                   "from 1 to 65535 (it is the second after --port when not given)");
  if (s.hls_port != 0 && (s.hls_port == s.port || s.hls_port == s.whip_port))
    return outside("hls-port", std::to_string(s.hls_port), "another one than the other ports");
  if (!(s.target_duration >= 0.5 && s.target_duration <= 60))
    return outside("target-duration", std::to_string(s.target_duration), "from 0.5 to 60 seconds");
  if (!(s.part_target >= 0.1 && s.part_target <= s.target_duration))
    return outside("part-target", std::to_string(s.part_target),
                   "from 0.1 seconds to --target-duration");
  if (!(s.window >= 0 && s.window <= 1e6))
    return outside("window", std::to_string(s.window), "from 0 to 1000000 seconds");
  if (!(s.hold_seconds >= 0 && s.hold_seconds <= 86'400))
    return outside("hold-seconds", std::to_string(s.hold_seconds), "from 0 to 86400 seconds");
  if (s.hold_picture != "black" && s.hold_picture != "last")
    return outside("hold-picture", "'" + s.hold_picture + "'", "black or last");
  if ((s.width == 0) != (s.height == 0))
    return Mistake{"Give both --width and --height, or neither."};
  for (const auto& [name, size] : {std::pair{"width", s.width}, {"height", s.height}}) {
    if (size != 0 && (size < 36 || size > 4096 || size % 2 != 0))
      return outside(name, std::to_string(size), "an even number from 36 to 4096");
  }
  if (s.fps < 3 || s.fps > 60)
    return outside("fps", std::to_string(s.fps), "from 3 to 60");
  if (s.video_kbps < 15 || s.video_kbps > 15'000)
    return outside("video-kbps", std::to_string(s.video_kbps), "from 15 to 15000");
  if (!s.audio_codec.empty() && s.audio_codec != "aac" && s.audio_codec != "mp3")
    return outside("audio-codec", "'" + s.audio_codec + "'", "aac or mp3");
  if (!is_mp3_bitrate(s.audio_kbps))
    return outside("audio-kbps", std::to_string(s.audio_kbps),
                   "one of MP3's: 32 40 48 56 64 80 96 112 128 160 192 224 256 320");
  if (s.min_rtp_port > 65535 || s.max_rtp_port > 65535 || s.min_rtp_port > s.max_rtp_port)
    return Mistake{"--min-rtp-port and --max-rtp-port must be a range within 1 to 65535."};
  if (!s.origin && s.dir.empty())
    return Mistake{"Without an origin there must be a folder (--dir) that somebody serves."};
  if (s.max_channels < 1 || s.max_channels > 10'000)
    return outside("max-channels", std::to_string(s.max_channels), "from 1 to 10000");
  if (s.max_connections < 1 || s.max_connections > 1000)
    return outside("max-connections", std::to_string(s.max_connections), "from 1 to 1000");
  if (!(s.requests_per_second >= 0 && s.requests_per_second <= 1e6) ||
      (s.requests_per_second > 0 && s.requests_per_second < 0.25))
    return outside("requests-per-second", std::to_string(s.requests_per_second),
                   "0 (any number), or from 0.25 to 1000000");
  if (!IpAddress::parse(s.rtp_address))
    return outside("rtp-address", "'" + s.rtp_address + "'", "an IP address");
  if (const auto read = IpNetworks::parse(s.trusted_proxies);
      std::holds_alternative<std::string>(read))
    return Mistake{"--trusted-proxies: " + std::get<std::string>(read) + "."};
  if (!log_format_of(s.log_format))
    return outside("log-format", "'" + s.log_format + "'", "text or json");
  if (s.tls_certificate.empty() && !s.tls_key.empty())
    return Mistake{"--tls-key needs a certificate, by --tls-certificate."};
  if (!s.tls_certificate.empty() && s.data.empty())
    return Mistake{
        "--tls-certificate is for a server of many channels (--data); put a proxy in front of one "
        "channel."};
  if (!s.archive_directory.empty() && !s.archive_directory.starts_with('/'))
    return outside("archive-directory", "'" + s.archive_directory + "'", "an absolute path");
  for (const auto& [name, url] : {std::pair{"public-url", &s.public_url}, {"hls-url", &s.hls_url}})
    if (!url->empty() && (!url->starts_with("http") || url->ends_with('/')))
      return outside(name, "'" + *url + "'",
                     "http://HOST or https://HOST, with no slash at its end");
  return std::nullopt;
}

}  // namespace live
