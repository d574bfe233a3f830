// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codecs.hpp"

#include <cstddef>

namespace onair::codecs {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr unsigned kSequenceParameterSet = 7;  // nal_unit_type

constexpr unsigned kSpectralBandReplication = 5;  // audio object types
constexpr unsigned kParametricStereo = 29;
constexpr unsigned kEscape = 31;

std::string avc1(std::uint8_t profile, std::uint8_t constraints, std::uint8_t level) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "avc1.";
  for (const unsigned byte : {profile, constraints, level}) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string mp4a(unsigned object_type) {
  return "mp4a.40." + std::to_string(object_type);
}

// Bits from the front; nothing from behind the end on.
class Bits {
 public:
  explicit Bits(Bytes bytes) : bytes_{bytes} {}

  std::optional<unsigned> take(std::size_t count) {
    if (count > bytes_.size() * 8 - at_)
      return std::nullopt;
    unsigned value = 0;
    for (; count > 0; --count, ++at_)
      value = value << 1 | (bytes_[at_ / 8] >> (7 - at_ % 8) & 1U);
    return value;
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

// GetAudioObjectType().
std::optional<unsigned> take_object_type(Bits& bits) {
  const auto type = bits.take(5);
  if (type != kEscape)
    return type;
  const auto beyond = bits.take(6);
  return beyond ? std::optional{32 + *beyond} : std::nullopt;
}

bool skip_frequency(Bits& bits) {
  constexpr unsigned kExplicit = 15;
  const auto index = bits.take(4);
  return index && (*index != kExplicit || bits.take(24));
}

// GASpecificConfig() of the type that is extended in practice, AAC-LC, with its channels named: it has
// no more fields then. A program config element, behind 0 channels, is not worth reading.
bool skip_lc_config(Bits& bits) {
  if (!bits.take(1))  // frameLengthFlag
    return false;
  const auto depends_on_core_coder = bits.take(1);
  if (!depends_on_core_coder || (*depends_on_core_coder != 0 && !bits.take(14)))
    return false;
  return bits.take(1).has_value();  // extensionFlag
}

// What follows the configuration where old decoders don't look.
unsigned extension(Bits& bits) {
  constexpr unsigned kReplicationFollows = 0x2b7;
  constexpr unsigned kStereoFollows = 0x548;
  if (bits.take(11) != kReplicationFollows || take_object_type(bits) != kSpectralBandReplication ||
      bits.take(1) != 1U)
    return 0;
  if (skip_frequency(bits) && bits.take(11) == kStereoFollows && bits.take(1) == 1U)
    return kParametricStereo;
  return kSpectralBandReplication;
}

}  // namespace

std::optional<std::string> h264_from_byte_stream(Bytes stream) {
  for (std::size_t at = 0; at + 7 <= stream.size(); ++at)
    if (stream[at] == 0 && stream[at + 1] == 0 && stream[at + 2] == 1 &&
        (stream[at + 3] & 0x9fU) == kSequenceParameterSet)
      return avc1(stream[at + 4], stream[at + 5], stream[at + 6]);
  return std::nullopt;
}

std::optional<std::string> h264_from_configuration(Bytes record) {
  if (record.size() < 4 || record[0] != 1)
    return std::nullopt;
  return avc1(record[1], record[2], record[3]);
}

std::optional<std::string> aac_from_configuration(Bytes config) {
  constexpr unsigned kLowComplexity = 2;
  Bits bits{config};
  const auto type = take_object_type(bits);
  if (!type || *type == 0 || !skip_frequency(bits))
    return std::nullopt;
  const auto channels = bits.take(4);
  if (!channels)
    return std::nullopt;
  if (*type == kLowComplexity && *channels != 0 && skip_lc_config(bits))
    if (const auto extended = extension(bits))
      return mp4a(extended);
  return mp4a(*type);
}

std::optional<std::string> aac_from_adts(Bytes header) {
  // Twelve bits of sync, and a layer that is always 0: in MP3 it is not.
  if (header.size() < 3 || header[0] != 0xff || (header[1] & 0xf6U) != 0xf0)
    return std::nullopt;
  return mp4a((header[2] >> 6) + 1U);
}

}  // namespace onair::codecs
