// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "api/rtp_request.hpp"
#include "renditions.hpp"
#include "segment_keys.hpp"

namespace live {

// All that a person can set, from the command line or from a file (see example.conf). The command
// line wins.
struct Settings {
  std::string address = "0.0.0.0";
  unsigned port = 8080;        // pages; 0: any free one
  unsigned whip_port = 0;      // 0: the next after `port`
  unsigned hls_port = 0;       // 0: the second after `port`
  std::string dir;             // of segments and playlists, made when missing; empty: in memory
  std::string archive;         // folder that keeps all that was ever listed; empty: none
  std::string pages;           // folder of the web pages
  std::string token;           // publishers must know it; made up when empty
  double target_duration = 1;  // seconds of a segment on average, 0.5 to 60
  double part_target = 0.17;   // seconds of a part, about
  double window = 12;          // seconds that the playlist lists
  double hold_seconds = 10;    // that who vanished may be away; 0: it ends the broadcast
  std::string hold_picture = "black";  // after some seconds, or for good: last
  bool low_latency = true;             // parts, and players that wait for them
  unsigned width = 0;                  // of the picture; 0: as the publisher begins
  unsigned height = 0;
  unsigned fps = 30;
  unsigned video_kbps = 2500;
  std::string audio_codec;  // mp3 or aac; empty: see uses_aac()
  unsigned audio_kbps = 128;
  Renditions renditions;               // none: one, as the fields above say
  std::optional<double> start_offset;  // seconds, see HlsList
  std::string stun_server;
  std::string jitterbuffer;   // empty: the default of whiplistensrc
  unsigned min_rtp_port = 0;  // UDP ports of media, both 0: any
  unsigned max_rtp_port = 0;
  bool origin = true;     // serves playlists and segments itself; else another process serves `dir`
  std::string data;       // folder of a server of many channels; empty: one channel
  std::string api_token;  // of the channel API; made up when empty
  std::string log_format = "text";  // or json
  std::string metrics_token;        // reads /metrics, as api_token does
  std::string tls_certificate;      // PEM files; empty: plain HTTP
  std::string tls_key;              // empty: in the file of the certificate
  unsigned max_channels = 100;
  unsigned max_connections = 16;        // at a time, of a channel that takes several publishers
  unsigned disk_quota = 0;              // of a channel, in MB; 0: none
  unsigned publishers_per_address = 0;  // 0: no limit, as of the next
  double requests_per_second = 0;       // of each address
  std::string trusted_proxies;          // addresses and networks, see IpNetworks
  std::string
      webhook_secret;  // signs what event_webhook_url of a channel is told; empty: nobody is told
  std::string archive_directory;  // where archives of channels may be copied to; empty: nowhere
  std::string public_url;         // how others reach the API; empty: by the address that they ask
  std::string hls_url;            // and playlists; empty: the same host by `hls_port`
  std::string key_secret;     // that keys of segments are made from; empty: a file of `data` has it
  unsigned key_rotation = 0;  // segments that one key is for; 0: all of a broadcast
  std::string rtp_address = "127.0.0.1";  // where RTP is taken that an SFU forwards to channels
  // Of the channel: who runs it says so, no person does.
  std::optional<SegmentKeys> keys;
  std::optional<RtpRequest> rtp;  // with the ports that it has
};

struct Help {
  std::string text;
};
struct Mistake {
  std::string text;  // what was given, and what to do
};

// Reads the command line, and the file that it names.
std::variant<Settings, Help, Mistake> read_settings(int argc, char** argv);

// Sets the one that the command line calls so. What is wrong with that, if anything.
std::optional<Mistake> assign(Settings& settings, const std::string& name, const std::string& text);

// What is wrong with the values, if anything.
std::optional<Mistake> check(const Settings& settings);

// Of playlists and segments; 0: any free one.
unsigned hls_port_of(const Settings& settings);

// Unless told otherwise parts are of AAC: hls.js 1.7 puts all but the first part of a segment of MP3 in the
// wrong place. Whole segments are of MP3.
bool uses_aac(const Settings& settings);

// The MPEG-1 Layer III bit rates at 48 kHz, in kbit/s: what `audio_kbps` may be.
bool is_mp3_bitrate(unsigned kbps);

}  // namespace live
