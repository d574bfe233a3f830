// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sdp_offers.hpp"

#include <cstdlib>
#include <iostream>

namespace onair::test {
namespace {

constexpr std::string_view kSession = R"(v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS c1e0a7ae-1f2e-4b67-9c6e-0c6a9c7c5b07
)";

constexpr std::string_view kTransport = R"(a=ice-ufrag:4ZcD
a=ice-pwd:2/1muCWoOi3uLifh0NuRHlFw
a=ice-options:trickle
a=fingerprint:sha-256 75:74:5A:A6:A4:E5:52:F4:A7:67:4C:01:C7:EE:91:3F:21:3D:A2:E3:53:7B:6F:30:86:F2:30:AA:65:FB:04:24
a=setup:actpass
)";

constexpr std::string_view kAudio = R"(m=audio 54321 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 127.0.0.1
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1467250027 1 udp 2122260223 127.0.0.1 54321 typ host generation 0 network-id 1
@transport@a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:c1e0a7ae-1f2e-4b67-9c6e-0c6a9c7c5b07 8d0e2d2f-6f3f-44a4-8a55-3d4bb9e2c0a1
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6
a=ssrc:3570614608 msid:c1e0a7ae-1f2e-4b67-9c6e-0c6a9c7c5b07 8d0e2d2f-6f3f-44a4-8a55-3d4bb9e2c0a1
)";

constexpr std::string_view kVideoHead = R"(c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
@transport@a=mid:1
a=extmap:14 urn:ietf:params:rtp-hdrext:toffset
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:13 urn:3gpp:video-orientation
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=sendonly
a=msid:c1e0a7ae-1f2e-4b67-9c6e-0c6a9c7c5b07 2f6f7d0c-90a2-4a8f-8b2c-8a5f7d3e6b11
a=rtcp-mux
a=rtcp-rsize
)";

constexpr std::string_view kVp8 = R"(a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
)";

constexpr std::string_view kH264 = R"(a=rtpmap:103 H264/90000
a=rtcp-fb:103 goog-remb
a=rtcp-fb:103 transport-cc
a=rtcp-fb:103 ccm fir
a=rtcp-fb:103 nack
a=rtcp-fb:103 nack pli
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:104 rtx/90000
a=fmtp:104 apt=103
a=rtpmap:107 H264/90000
a=rtcp-fb:107 goog-remb
a=rtcp-fb:107 transport-cc
a=rtcp-fb:107 ccm fir
a=rtcp-fb:107 nack
a=rtcp-fb:107 nack pli
a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:108 rtx/90000
a=fmtp:108 apt=107
a=rtpmap:109 H264/90000
a=rtcp-fb:109 goog-remb
a=rtcp-fb:109 transport-cc
a=rtcp-fb:109 ccm fir
a=rtcp-fb:109 nack
a=rtcp-fb:109 nack pli
a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:114 rtx/90000
a=fmtp:114 apt=109
a=rtpmap:39 H264/90000
a=rtcp-fb:39 goog-remb
a=rtcp-fb:39 nack
a=rtcp-fb:39 nack pli
a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f
a=rtpmap:40 rtx/90000
a=fmtp:40 apt=39
)";

constexpr std::string_view kOthers = R"(a=rtpmap:45 AV1/90000
a=rtcp-fb:45 nack pli
a=fmtp:45 level-idx=5;profile=0;tier=0
a=rtpmap:46 rtx/90000
a=fmtp:46 apt=45
a=rtpmap:98 VP9/90000
a=rtcp-fb:98 nack pli
a=fmtp:98 profile-id=0
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:124 red/90000
a=rtpmap:125 rtx/90000
a=fmtp:125 apt=124
a=rtpmap:115 ulpfec/90000
)";

constexpr std::string_view kVideoTail = R"(a=ssrc-group:FID 2231627014 632943048
a=ssrc:2231627014 cname:4TOk42mSjXCkVIa6
a=ssrc:632943048 cname:4TOk42mSjXCkVIa6
)";

constexpr std::string_view kData = R"(m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
@transport@a=mid:2
a=sctp-port:5000
a=max-message-size:262144
)";

std::string with_transport(std::string_view section) {
  return replaced(std::string{section}, "@transport@", kTransport);
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n')
      out += '\r';
    out += c;
  }
  return out;
}

std::string chromium_text() {
  return std::string{kSession} + with_transport(kAudio) +
         "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107 108 109 114 39 40 45 46 98 99 124 125 "
         "115\n" +
         with_transport(kVideoHead) + std::string{kVp8} + std::string{kH264} +
         std::string{kOthers} + std::string{kVideoTail};
}

}  // namespace

std::string chromium_offer() {
  return with_crlf(chromium_text());
}

std::string chromium_offer_with_data_channel() {
  return with_crlf(replaced(chromium_text(), "BUNDLE 0 1", "BUNDLE 0 1 2") + with_transport(kData));
}

std::string vp8_offer() {
  return with_crlf(std::string{kSession} + with_transport(kAudio) +
                   "m=video 9 UDP/TLS/RTP/SAVPF 96 97\n" + with_transport(kVideoHead) +
                   std::string{kVp8} + std::string{kVideoTail});
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  if (at == std::string::npos) {
    std::cerr << "'" << what << "' does not occur in:\n" << text;
    std::abort();
  }
  return text.replace(at, what.size(), with);
}

std::string without_lines(std::string_view text, std::string_view start) {
  std::string out;
  bool is_found = false;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    const auto line = text.substr(0, end);
    text.remove_prefix(end);
    if (line.starts_with(start))
      is_found = true;
    else
      out += line;
  }
  if (!is_found) {
    std::cerr << "no line begins with '" << start << "'\n";
    std::abort();
  }
  return out;
}

std::string line_after(std::string_view text, std::string_view start) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    auto line = text.substr(0, end);
    text.remove_prefix(end);
    if (!line.starts_with(start))
      continue;
    line.remove_prefix(start.size());
    while (line.ends_with('\n') || line.ends_with('\r'))
      line.remove_suffix(1);
    return std::string{line};
  }
  return {};
}

}  // namespace onair::test
