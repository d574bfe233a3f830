// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transport_stream.hpp"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <stdexcept>
#include <utility>

namespace onair::segments {
namespace {

using View = std::span<const std::uint8_t>;

// ISO/IEC 13818-1, 2.4.3.2, and stream types of table 2-34.
constexpr std::size_t kPacket = 188;
constexpr std::uint8_t kSync = 0x47;
constexpr std::size_t kHeader = 4;
constexpr int kNull = 0x1fff;
enum StreamType : std::uint8_t {
  kMpeg1Audio = 0x03,
  kMpeg2Audio = 0x04,
  kAdts = 0x0f,
  kH264 = 0x1b
};

int read_13_bits(View at) {
  return (at[0] & 0x1f) << 8 | at[1];
}

std::size_t read_12_bits(View at) {
  return static_cast<std::size_t>((at[0] & 0x0f) << 8 | at[1]);
}

// 33 bits with markers between them.
std::int64_t read_time(View at) {
  return std::int64_t{at[0] & 0x0e} << 29 | std::int64_t{at[1]} << 22 |
         std::int64_t{at[2] & 0xfe} << 14 | std::int64_t{at[3]} << 7 | std::int64_t{at[4]} >> 1;
}

class Reader {
 public:
  void take(View packet) {
    if (packet[0] != kSync)
      throw std::runtime_error{"no sync byte"};
    const bool begins = (packet[1] & 0x40) != 0;
    const int pid = read_13_bits(packet.subspan(1));
    if (pid == kNull)
      return;
    const bool has_adaptation = (packet[3] & 0x20) != 0;
    const bool has_payload = (packet[3] & 0x10) != 0;
    if (!has_payload)
      return;
    count(pid, packet[3] & 0x0f);
    const auto payload = packet.subspan(kHeader + (has_adaptation ? 1U + packet[kHeader] : 0U));
    if (pid == 0)
      take_pat(payload);
    else if (pid == pmt_pid_)
      take_pmt(payload);
    else if (const auto units = units_.find(pid); units != units_.end())
      take_media(*units->second, payload, begins);
    else if (pmt_pid_ < 0)
      has_early_packet_ = true;
  }

  TransportStream finish() {
    stream_.begins_with_tables = !units_.empty() && !has_early_packet_;
    return std::move(stream_);
  }

 private:
  void count(int pid, int counter) {
    const auto [last, is_new] = counters_.try_emplace(pid, counter);
    if (!is_new && counter != ((last->second + 1) & 0x0f))
      ++stream_.continuity_breaks;
    last->second = counter;
  }

  // Tables of one programme fit into a packet.
  void take_pat(View payload) {
    pmt_pid_ = read_13_bits(payload.subspan(1U + payload[0]).subspan(10));
  }

  void take_pmt(View payload) {
    const auto section = payload.subspan(1U + payload[0]);
    constexpr std::size_t kChecksum = 4;
    const auto end = 3 + read_12_bits(section.subspan(1)) - kChecksum;
    for (auto at = 12 + read_12_bits(section.subspan(10)); at < end;
         at += 5 + read_12_bits(section.subspan(at + 3))) {
      const int pid = read_13_bits(section.subspan(at + 1));
      switch (section[at]) {
        case kH264:
          units_[pid] = &stream_.video;
          break;
        case kMpeg1Audio:
        case kMpeg2Audio:
        case kAdts:
          units_[pid] = &stream_.audio;
          break;
        default:
          break;
      }
    }
  }

  static void take_media(std::vector<Unit>& units, View payload, bool begins) {
    if (begins) {
      Unit unit;
      if ((payload[7] & 0x80) == 0)
        throw std::runtime_error{"a PES packet has no PTS"};
      unit.dts = unit.pts = read_time(payload.subspan(9));
      if ((payload[7] & 0x40) != 0)
        unit.dts = read_time(payload.subspan(14));
      units.push_back(std::move(unit));
      payload = payload.subspan(9U + payload[8]);
    }
    if (units.empty())
      throw std::runtime_error{"the file begins within a PES packet"};
    units.back().payload.insert(units.back().payload.end(), payload.begin(), payload.end());
  }

  TransportStream stream_;
  std::map<int, int> counters_;
  std::map<int, std::vector<Unit>*> units_;
  int pmt_pid_ = -1;
  bool has_early_packet_ = false;
};

}  // namespace

TransportStream read_transport_stream(const std::filesystem::path& file) {
  return read_transport_stream(read_file(file));
}

Bytes read_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  const std::vector<char> read{std::istreambuf_iterator<char>{in}, {}};
  if (read.empty())
    throw std::runtime_error{"nothing in " + file.string()};
  return {read.begin(), read.end()};
}

TransportStream read_transport_stream(const Bytes& bytes) {
  if (bytes.empty() || bytes.size() % kPacket != 0)
    throw std::runtime_error{"a transport stream that is not whole"};
  Reader reader;
  for (std::size_t at = 0; at < bytes.size(); at += kPacket)
    reader.take(View{bytes}.subspan(at, kPacket));
  return reader.finish();
}

bool is_idr(const Bytes& picture) {
  constexpr int kSlice = 1;
  constexpr int kIdrSlice = 5;
  for (std::size_t i = 0; i + 3 < picture.size(); ++i) {
    if (picture[i] != 0 || picture[i + 1] != 0 || picture[i + 2] != 1)
      continue;
    const int type = picture[i + 3] & 0x1f;
    if (type >= kSlice && type <= kIdrSlice)
      return type == kIdrSlice;
  }
  return false;
}

}  // namespace onair::segments
