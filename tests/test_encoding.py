"""Encoding: what a text costs in parts, which character makes it dear, and what it holds."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.encoding import (
    BASIC,
    EXTENSION,
    MOST_PARTS,
    ROOM,
    STOP_CLAUSE,
    TooManyParts,
    instead,
    is_gsm,
    plain,
    sms,
)
from ledger.errors import InvalidValue

PLAIN, WIDE = "7bits", "unicode"

# Text, encoding, characters as OVH counts them, parts.
KNOWN = [
    # --- the GSM alphabet: 160 alone, 153 in each of several
    ("a", PLAIN, 1, 1),
    ("Hello, world!", PLAIN, 13, 1),
    ("a" * 159, PLAIN, 159, 1),
    ("a" * 160, PLAIN, 160, 1),
    ("a" * 161, PLAIN, 161, 2),
    ("a" * 306, PLAIN, 306, 2),
    ("a" * 307, PLAIN, 307, 3),
    ("a" * 459, PLAIN, 459, 3),
    ("a" * 460, PLAIN, 460, 4),
    ("a" * 612, PLAIN, 612, 4),
    ("a" * 765, PLAIN, 765, 5),
    ("a" * 766, PLAIN, 766, 6),
    ("a" * 918, PLAIN, 918, 6),
    ("Il tuo codice è 123456", PLAIN, 22, 1),
    ("perché, così, più, però", PLAIN, 23, 1),
    ("àéèìòù", PLAIN, 6, 1),
    ("ÄÖÑÜäöñü§¿¡", PLAIN, 11, 1),
    ("Ça marche", PLAIN, 9, 1),
    ("@£$¥¤ΔΦΓΛΩΠΨΣΘΞ", PLAIN, 15, 1),
    ("ÆæßÅåØø", PLAIN, 7, 1),
    ("first line\nsecond line\r\n", PLAIN, 24, 1),
    ("à" * 160, PLAIN, 160, 1),
    # --- extension characters count twice
    ("€", PLAIN, 2, 1),
    ("^{}\\[~]|€\f", PLAIN, 20, 1),
    ("Sconto 10€ [oggi]", PLAIN, 20, 1),
    ("€" * 80, PLAIN, 160, 1),
    ("€" * 80 + "a", PLAIN, 161, 2),
    ("a" * 158 + "€", PLAIN, 160, 1),
    ("a" * 159 + "€", PLAIN, 161, 2),
    # an odd part cannot be filled with pairs: 76 of them in each
    ("€" * 152, PLAIN, 304, 2),
    ("€" * 153, PLAIN, 306, 3),
    ("a" + "€" * 152, PLAIN, 305, 2),
    # the pair that would lie over the end of the first part goes to the second
    ("a" * 152 + "€" + "a" * 151, PLAIN, 305, 2),
    ("a" * 152 + "€" + "a" * 152, PLAIN, 306, 3),
    # --- Unicode: 70 alone, 67 in each of several
    ("ç", WIDE, 1, 1),
    ("’", WIDE, 1, 1),
    ("« oui »", WIDE, 7, 1),
    ("Привет", WIDE, 6, 1),
    ("你好", WIDE, 2, 1),
    ("β", WIDE, 1, 1),
    ("ê" * 70, WIDE, 70, 1),
    ("ê" * 71, WIDE, 71, 2),
    ("ê" * 134, WIDE, 134, 2),
    ("ê" * 135, WIDE, 135, 3),
    ("ê" * 402, WIDE, 402, 6),
    ("a" * 69 + "’", WIDE, 70, 1),
    ("a" * 160 + "’", WIDE, 161, 3),
    # what counts twice in the alphabet counts once here
    ("ê" + "€" * 69, WIDE, 70, 1),
    # --- beyond the sixteen bits: two units
    ("😀", WIDE, 2, 1),
    ("😀" * 35, WIDE, 70, 1),
    ("😀" * 35 + "a", WIDE, 71, 2),
    ("😀" * 66, WIDE, 132, 2),
    ("😀" * 67, WIDE, 134, 3),
    ("👨‍👩‍👧", WIDE, 8, 1),
    ("e\u0301", WIDE, 2, 1),
    ("a" * 66 + "😀" + "a" * 65, WIDE, 133, 2),
    ("a" * 66 + "😀" + "a" * 66, WIDE, 134, 3),
]

# With the STOP clause: text, characters (clause included), parts, length of the first part.
MARKETING = [
    ("a" * 148, 159, 1, 148),
    ("a" * 149, 160, 1, 149),
    ("a" * 150, 161, 2, 142),
    ("a" * 295, 306, 2, 142),
    ("a" * 296, 307, 3, 142),
    ("ê" * 59, 70, 1, 59),
    ("ê" * 60, 71, 2, 56),
    ("ê" * 123, 134, 2, 56),
    ("ê" * 124, 135, 3, 56),
]


@pytest.mark.parametrize(("text", "encoding", "characters", "parts"), KNOWN)
def test_a_text_costs_the_parts_that_the_guides_say(text, encoding, characters, parts):
    found = sms(text)
    assert (found.encoding, found.characters, len(found.parts)) == (encoding, characters, parts)


@pytest.mark.parametrize(("text", "characters", "parts", "first"), MARKETING)
def test_the_stop_clause_makes_the_first_part_shorter(text, characters, parts, first):
    found = sms(text, stop_clause=True)
    assert (found.characters, len(found.parts)) == (characters, parts)
    assert len(found.parts[0]) == first
    assert "".join(found.parts) == text


def test_the_stop_clause_has_eleven_characters_of_the_alphabet():
    assert len(STOP_CLAUSE) == 11
    assert set(STOP_CLAUSE) <= BASIC


def test_the_alphabet_has_128_places_of_which_one_is_the_escape():
    assert len(BASIC) == 127
    assert len(EXTENSION) == 10
    assert not BASIC & EXTENSION


@pytest.mark.parametrize(
    ("text", "stop_clause", "found"),
    [
        ("a" * 919, False, 7),
        ("ê" * 403, False, 7),
        ("a" * 908, True, 7),
        ("€" * 457, False, 7),
        ("a" * 5000, False, 33),
    ],
)
def test_more_parts_than_ovh_sends_are_refused(text, stop_clause, found):
    with pytest.raises(TooManyParts, match=f"at most 6 parts, .* found {found} .*shorten it"):
        sms(text, stop_clause=stop_clause)


# --- which character makes it dear --------------------------------------------------------


def test_a_character_that_forces_unicode_is_named_with_its_place():
    found = sms("Cest l’été, ça 😀").foreign
    assert [(one.place, one.character, one.name, one.instead) for one in found] == [
        (7, "’", "RIGHT SINGLE QUOTATION MARK", "'"),
        (13, "ç", "LATIN SMALL LETTER C WITH CEDILLA", "c"),
        (16, "😀", "GRINNING FACE", None),
    ]


@pytest.mark.parametrize(
    ("character", "typed"),
    [
        ("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("«", '"'), ("–", "-"), ("—", "-"),
        ("…", "..."), ("\u00a0", " "), ("\u202f", " "), ("\t", " "), ("ê", "e"), ("ç", "c"),
        ("á", "a"), ("Ł", "L"), ("ő", "o"), ("œ", "oe"), ("´", "'"), ("×", "x"), ("ﬁ", "fi"),
        ("½", None), ("😀", None), ("Ж", None), ("中", None), ("\u0301", None), ("\x07", None),
    ],
)  # fmt: skip
def test_a_replacement_is_suggested_where_an_obvious_one_exists(character, typed):
    assert instead(character) == typed


def test_a_text_without_them_is_in_the_alphabet():
    assert plain("L’été – ça… 😀") == "L'été - ca... "
    assert plain("e\u0301te\u0301") == "été"


def test_a_character_without_a_name_is_named_by_its_number():
    assert sms("\x07").foreign[0].name == "U+0007"


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"), [("\ud83d", 1), ("ab\udcff", 3), ("\ude00\ud83d", 1), ("ok \udfff", 4)]
)
def test_a_lone_surrogate_is_refused_with_its_place(text, place):
    with pytest.raises(InvalidValue, match=rf"lone surrogate U\+D.* as character {place} "):
        sms(text)


def test_an_empty_text_is_refused():
    with pytest.raises(InvalidValue, match="found an empty one"):
        sms("")


# --- properties ----------------------------------------------------------------------------

GSM = st.text(st.sampled_from(sorted(BASIC | EXTENSION)), min_size=1, max_size=440)
ANY = st.text(
    st.one_of(
        st.sampled_from("a€é’😀"), st.characters(exclude_categories=["Cs"]), st.just("😀")
    ),
    min_size=1,
    max_size=190,
)


def units(part: str, encoding: str) -> int:
    """Count independently of the program: bytes of UTF-16, or escapes."""
    if encoding == WIDE:
        return len(part.encode("utf-16-le")) // 2
    return len(part) + sum(part.count(one) for one in "^{}\\[~]|€\f")


@settings(max_examples=120, deadline=None)
@given(st.one_of(GSM, ANY), st.booleans())
@example("a" * 152 + "€" * 2 + "a" * 150, False)
@example("€" * 71 + "a" + "€" * 76, True)
def test_parts_hold_the_whole_text_and_no_more_than_a_part_may(text, stop_clause):
    found = sms(text, stop_clause=stop_clause)
    room, clause = ROOM[found.encoding], 11 if stop_clause else 0
    used = [units(part, found.encoding) for part in found.parts]
    used[0] += clause
    assert "".join(found.parts) == text
    assert sum(used) == found.characters
    assert 1 <= len(used) <= MOST_PARTS
    assert all(size <= (room.alone if len(used) == 1 else room.part) for size in used)
    assert found.encoding == (PLAIN if all(map(is_gsm, text)) else WIDE)
    for part in found.parts:  # half of a pair has no bytes
        part.encode("utf-8")
    # nothing of what follows a part would have fitted into it
    for size, after in zip(used, found.parts[1:], strict=False):
        assert size + units(after[0], found.encoding) > room.part


@settings(max_examples=60, deadline=None)
@given(ANY)
def test_without_its_foreign_characters_a_text_is_plain_and_says_the_same_where_it_can(text):
    bare = plain(text)
    assert all(map(is_gsm, bare))
    assert not bare or sms(bare).encoding == PLAIN


@settings(max_examples=60, deadline=None)
@given(GSM)
def test_a_text_of_the_alphabet_stays_as_it_is(text):
    assert plain(text) == text
