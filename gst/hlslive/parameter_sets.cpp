// SPDX-License-Identifier: LGPL-2.1-or-later
#include "parameter_sets.hpp"

#include <algorithm>
#include <iterator>

namespace onair {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr unsigned kSequenceParameterSet = 7;  // nal_unit_type
constexpr unsigned kAccessUnitDelimiter = 9;

std::optional<std::size_t> take_number(Bytes& bytes, std::size_t length) {
  if (bytes.size() < length)
    return std::nullopt;
  std::size_t value = 0;
  for (const auto byte : bytes.first(length))
    value = value << 8U | byte;
  bytes = bytes.subspan(length);
  return value;
}

std::optional<Bytes> take_unit(Bytes& bytes, std::size_t length_size) {
  const auto length = take_number(bytes, length_size);
  if (!length || *length == 0 || *length > bytes.size())
    return std::nullopt;
  const auto unit = bytes.first(*length);
  bytes = bytes.subspan(*length);
  return unit;
}

unsigned type_of(Bytes unit) {
  return unit.front() & 0x1fU;
}

}  // namespace

std::optional<MissingParameterSets> missing_parameter_sets(Bytes sample, Bytes record) {
  constexpr std::size_t kFixed = 5;  // up to the number of sequence parameter sets
  if (record.size() <= kFixed || record[0] != 1)
    return std::nullopt;
  const std::size_t length_size = (record[4] & 3U) + 1U;

  MissingParameterSets missing;
  for (auto rest = sample; !rest.empty();) {
    const auto unit = take_unit(rest, length_size);
    if (!unit || type_of(*unit) == kSequenceParameterSet)
      return std::nullopt;
    if (type_of(*unit) == kAccessUnitDelimiter)
      missing.place = sample.size() - rest.size();  // which is the first of an access unit
  }

  auto sets = record.subspan(kFixed);
  for (const unsigned mask : {0x1fU, 0xffU}) {  // of sequences, then of pictures
    const auto count = take_number(sets, 1);
    if (!count)
      return std::nullopt;
    for (auto left = *count & mask; left > 0; --left) {
      const auto set = take_unit(sets, 2);
      if (!set)
        return std::nullopt;
      for (auto byte = length_size; byte > 0; --byte)
        missing.bytes.push_back(static_cast<std::uint8_t>(set->size() >> (byte - 1) * 8));
      std::copy(set->begin(), set->end(), std::back_inserter(missing.bytes));
    }
  }
  return missing.bytes.empty() ? std::nullopt : std::optional{std::move(missing)};
}

}  // namespace onair
