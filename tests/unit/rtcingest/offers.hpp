// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

// Offers as browsers and encoders write them, and scissors to damage them. Addresses are those of
// RFC 5737, identities are made up.
namespace onair::test {

// SDP ends its lines with CRLF; raw strings with LF.
inline std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += c == '\n' ? std::string{"\r\n"} : std::string{c};
  return out;
}

// `text` with every `from` as `to`. A test that damages what is not there proves nothing: it
// throws.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  std::size_t count = 0;
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
    ++count;
  }
  if (count == 0)
    throw std::logic_error{"the offer does not hold: " + std::string{from}};
  return text;
}

// `text` without any line that begins with `beginning`.
inline std::string without(const std::string& text, std::string_view beginning) {
  std::string out;
  bool is_found = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    const auto line = std::string_view{text}.substr(at, end - at);
    if (line.starts_with(beginning))
      is_found = true;
    else
      out += line;
    at = end;
  }
  if (!is_found)
    throw std::logic_error{"the offer has no line " + std::string{beginning}};
  return out;
}

// From the first line that begins with `beginning` up to the next m= line, or to the end.
inline std::string section(const std::string& text, std::string_view beginning) {
  const auto begin = text.find(beginning);
  if (begin == std::string::npos)
    throw std::logic_error{"the offer has no section " + std::string{beginning}};
  return text.substr(begin, std::min(text.find("\nm=", begin), text.size() - 1) + 1 - begin);
}

// Chromium 156 on Linux, sendonly audio and video: createOffer(), then two host candidates, one of
// them behind an mDNS name. VP8 first, then five flavours of H.264.
inline std::string chromium_offer() {
  return with_crlf(R"(v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 5f2b8a3c-1d4e-4f60-9a7b-0c1d2e3f4a5b
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1467250027 1 udp 2122260223 192.0.2.77 51820 typ host generation 0 network-id 1
a=candidate:2154773085 1 udp 2122197247 3c9a1f4e-2b7d-4c58-8e61-7f0a9b2c4d5e.local 51821 typ host generation 0 network-id 2
a=ice-ufrag:hK+7
a=ice-pwd:dT3mW/q9zLxB2vYcR8nFpEo1
a=ice-options:trickle
a=fingerprint:sha-256 C8:A0:4E:4E:0B:3D:5F:51:6A:68:11:4A:9A:9A:16:9E:6D:E0:26:BA:7D:2A:04:D8:4E:4A:0D:E1:03:DC:85:B0
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:5f2b8a3c-1d4e-4f60-9a7b-0c1d2e3f4a5b a1a1a1a1-0000-4000-8000-00000000a0d1
a=rtcp-mux
a=rtcp-rsize
a=rtcp-xr:rcvr-rtt=all
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
a=ssrc:1647897163 cname:Qw8+rT5yU1iOpA2s
a=ssrc:1647897163 msid:5f2b8a3c-1d4e-4f60-9a7b-0c1d2e3f4a5b a1a1a1a1-0000-4000-8000-00000000a0d1
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 107 108 109 114 115 116 117 39 40 45 46 98 99 100 101 118 119 120
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:hK+7
a=ice-pwd:dT3mW/q9zLxB2vYcR8nFpEo1
a=ice-options:trickle
a=fingerprint:sha-256 C8:A0:4E:4E:0B:3D:5F:51:6A:68:11:4A:9A:9A:16:9E:6D:E0:26:BA:7D:2A:04:D8:4E:4A:0D:E1:03:DC:85:B0
a=setup:actpass
a=mid:1
a=extmap:14 urn:ietf:params:rtp-hdrext:toffset
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:13 urn:3gpp:video-orientation
a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:5 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/video-content-type
a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing
a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/color-space
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=sendonly
a=msid:5f2b8a3c-1d4e-4f60-9a7b-0c1d2e3f4a5b b2b2b2b2-0000-4000-8000-0000000051de
a=rtcp-mux
a=rtcp-rsize
a=rtcp-xr:rcvr-rtt=all
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 transport-cc
a=rtcp-fb:96 ccm fir
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=rtcp-fb:102 goog-remb
a=rtcp-fb:102 transport-cc
a=rtcp-fb:102 ccm fir
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:104 H264/90000
a=rtcp-fb:104 goog-remb
a=rtcp-fb:104 transport-cc
a=rtcp-fb:104 ccm fir
a=rtcp-fb:104 nack
a=rtcp-fb:104 nack pli
a=fmtp:104 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f
a=rtpmap:107 rtx/90000
a=fmtp:107 apt=104
a=rtpmap:108 H264/90000
a=rtcp-fb:108 goog-remb
a=rtcp-fb:108 transport-cc
a=rtcp-fb:108 ccm fir
a=rtcp-fb:108 nack
a=rtcp-fb:108 nack pli
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
a=rtpmap:114 H264/90000
a=rtcp-fb:114 goog-remb
a=rtcp-fb:114 transport-cc
a=rtcp-fb:114 ccm fir
a=rtcp-fb:114 nack
a=rtcp-fb:114 nack pli
a=fmtp:114 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:115 rtx/90000
a=fmtp:115 apt=114
a=rtpmap:116 H264/90000
a=rtcp-fb:116 goog-remb
a=rtcp-fb:116 transport-cc
a=rtcp-fb:116 ccm fir
a=rtcp-fb:116 nack
a=rtcp-fb:116 nack pli
a=fmtp:116 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f
a=rtpmap:117 rtx/90000
a=fmtp:117 apt=116
a=rtpmap:39 H264/90000
a=rtcp-fb:39 goog-remb
a=rtcp-fb:39 transport-cc
a=rtcp-fb:39 ccm fir
a=rtcp-fb:39 nack
a=rtcp-fb:39 nack pli
a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f
a=rtpmap:40 rtx/90000
a=fmtp:40 apt=39
a=rtpmap:45 AV1/90000
a=rtcp-fb:45 goog-remb
a=rtcp-fb:45 transport-cc
a=rtcp-fb:45 ccm fir
a=rtcp-fb:45 nack
a=rtcp-fb:45 nack pli
a=fmtp:45 level-idx=5;profile=0;tier=0
a=rtpmap:46 rtx/90000
a=fmtp:46 apt=45
a=rtpmap:98 VP9/90000
a=rtcp-fb:98 goog-remb
a=rtcp-fb:98 transport-cc
a=rtcp-fb:98 ccm fir
a=rtcp-fb:98 nack
a=rtcp-fb:98 nack pli
a=fmtp:98 profile-id=0
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:100 VP9/90000
a=rtcp-fb:100 goog-remb
a=rtcp-fb:100 transport-cc
a=rtcp-fb:100 ccm fir
a=rtcp-fb:100 nack
a=rtcp-fb:100 nack pli
a=fmtp:100 profile-id=2
a=rtpmap:101 rtx/90000
a=fmtp:101 apt=100
a=rtpmap:118 red/90000
a=rtpmap:119 rtx/90000
a=fmtp:119 apt=118
a=rtpmap:120 ulpfec/90000
a=ssrc-group:FID 188157016 153559553
a=ssrc:188157016 cname:Qw8+rT5yU1iOpA2s
a=ssrc:188157016 msid:5f2b8a3c-1d4e-4f60-9a7b-0c1d2e3f4a5b b2b2b2b2-0000-4000-8000-0000000051de
a=ssrc:153559553 cname:Qw8+rT5yU1iOpA2s
a=ssrc:153559553 msid:5f2b8a3c-1d4e-4f60-9a7b-0c1d2e3f4a5b b2b2b2b2-0000-4000-8000-0000000051de
)");
}

// The same with three layers by rid. Such an offer names no SSRC of the video.
inline std::string chromium_simulcast_offer() {
  auto offer = chromium_offer();
  offer.erase(offer.find("a=ssrc-group:FID"));
  return offer + with_crlf(R"(a=rid:h send
a=rid:m send
a=rid:l send
a=simulcast:send h;m;l
)");
}

// The m-line that pc.createDataChannel() adds to such an offer.
inline std::string data_channel_section() {
  return with_crlf(R"(m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:hK+7
a=ice-pwd:dT3mW/q9zLxB2vYcR8nFpEo1
a=ice-options:trickle
a=fingerprint:sha-256 C8:A0:4E:4E:0B:3D:5F:51:6A:68:11:4A:9A:9A:16:9E:6D:E0:26:BA:7D:2A:04:D8:4E:4A:0D:E1:03:DC:85:B0
a=setup:actpass
a=mid:2
a=sctp-port:5000
a=max-message-size:262144
)");
}

// Firefox: fingerprint and trickle in the session part, formats of its own numbering, sendrecv.
inline std::string firefox_offer() {
  return with_crlf(R"(v=0
o=mozilla...THIS_IS_SDPARTA-99.0 4927731408862021845 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 C8:A0:4E:4E:0B:3D:5F:51:6A:68:11:4A:9A:9A:16:9E:6D:E0:26:BA:7D:2A:04:D8:4E:4A:0D:E1:03:DC:85:B0
a=group:BUNDLE 0 1
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=sendrecv
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:4e5d6c7b
a=mid:0
a=msid:{7c1e9a52-0d3b-4f86-a1c4-5b6d7e8f9012} {0a1b2c3d-4e5f-4607-8192-a3b4c5d6e7f8}
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000/1
a=setup:actpass
a=ssrc:2870187712 cname:{f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f}
m=video 9 UDP/TLS/RTP/SAVPF 120 124 121 125 126 127 97 98 123 122 119
c=IN IP4 0.0.0.0
a=sendrecv
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:5 urn:ietf:params:rtp-hdrext:toffset
a=extmap:6/recvonly http://www.webrtc.org/experiments/rtp-hdrext/playout-delay
a=extmap:7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1
a=fmtp:97 profile-level-id=42e01f;level-asymmetry-allowed=1
a=fmtp:120 max-fs=12288;max-fr=60
a=fmtp:124 apt=120
a=fmtp:121 max-fs=12288;max-fr=60
a=fmtp:125 apt=121
a=fmtp:127 apt=126
a=fmtp:98 apt=97
a=fmtp:119 apt=122
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:4e5d6c7b
a=mid:1
a=msid:{7c1e9a52-0d3b-4f86-a1c4-5b6d7e8f9012} {1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809}
a=rtcp-fb:120 nack
a=rtcp-fb:120 nack pli
a=rtcp-fb:120 ccm fir
a=rtcp-fb:120 goog-remb
a=rtcp-fb:120 transport-cc
a=rtcp-fb:121 nack
a=rtcp-fb:121 nack pli
a=rtcp-fb:121 ccm fir
a=rtcp-fb:121 goog-remb
a=rtcp-fb:121 transport-cc
a=rtcp-fb:126 nack
a=rtcp-fb:126 nack pli
a=rtcp-fb:126 ccm fir
a=rtcp-fb:126 goog-remb
a=rtcp-fb:126 transport-cc
a=rtcp-fb:97 nack
a=rtcp-fb:97 nack pli
a=rtcp-fb:97 ccm fir
a=rtcp-fb:97 goog-remb
a=rtcp-fb:97 transport-cc
a=rtcp-fb:123 nack
a=rtcp-fb:122 nack
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=rtpmap:121 VP9/90000
a=rtpmap:125 rtx/90000
a=rtpmap:126 H264/90000
a=rtpmap:127 rtx/90000
a=rtpmap:97 H264/90000
a=rtpmap:98 rtx/90000
a=rtpmap:123 ulpfec/90000
a=rtpmap:122 red/90000
a=rtpmap:119 rtx/90000
a=setup:actpass
a=ssrc:1023456789 cname:{f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f}
a=ssrc:3344556677 cname:{f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f}
a=ssrc-group:FID 1023456789 3344556677
)");
}

// OBS Studio (libdatachannel): one Opus, one H.264, no retransmission, all candidates at once.
inline std::string obs_offer() {
  return with_crlf(R"(v=0
o=rtc 2593049120 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=ice-options:ice2,trickle
a=fingerprint:sha-256 C8:A0:4E:4E:0B:3D:5F:51:6A:68:11:4A:9A:9A:16:9E:6D:E0:26:BA:7D:2A:04:D8:4E:4A:0D:E1:03:DC:85:B0
m=audio 63120 UDP/TLS/RTP/SAVPF 111
c=IN IP4 192.0.2.10
a=mid:0
a=sendonly
a=ssrc:1380195172 cname:kVnsdPzLoR5TEQwo
a=ssrc:1380195172 msid:wWpTxQmIzJfIsZMb wWpTxQmIzJfIsZMb-audio
a=msid:wWpTxQmIzJfIsZMb wWpTxQmIzJfIsZMb-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=setup:actpass
a=ice-ufrag:6QOZ
a=ice-pwd:Jd7sKqfR2xHn8vTbW1yLmE
a=candidate:1 1 UDP 2122317823 192.0.2.10 63120 typ host
a=candidate:2 1 UDP 1686109439 203.0.113.9 63120 typ srflx raddr 0.0.0.0 rport 0
a=end-of-candidates
m=video 63120 UDP/TLS/RTP/SAVPF 96
c=IN IP4 192.0.2.10
a=mid:1
a=sendonly
a=ssrc:1380195173 cname:kVnsdPzLoR5TEQwo
a=ssrc:1380195173 msid:wWpTxQmIzJfIsZMb wWpTxQmIzJfIsZMb-video
a=msid:wWpTxQmIzJfIsZMb wWpTxQmIzJfIsZMb-video
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1
a=setup:actpass
a=ice-ufrag:6QOZ
a=ice-pwd:Jd7sKqfR2xHn8vTbW1yLmE
)");
}

}  // namespace onair::test
