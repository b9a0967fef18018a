// Scripts as the inside of a class in a regular expression with the `u` flag.

/** The blocks that Unicode reserves for right-to-left scripts, with their digits and punctuation, without U+061C. */
export const RIGHT_TO_LEFT: string = String.raw`\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\u{10800}-\u{10fff}\u{1e800}-\u{1efff}`

// Cursive scripts, and scripts of the Brahmi family, in which a joiner changes the shape of the letters beside it.
const JOINING = `Arabic Syriac Mandaic Nko Mongolian Phags_Pa Manichaean Psalter_Pahlavi Hanifi_Rohingya Sogdian
  Old_Sogdian Chorasmian Old_Uyghur Adlam Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam
  Sinhala Myanmar Khmer Javanese Balinese Sundanese Batak Grantha Tirhuta Newa Sharada Siddham Modi Khojki Khudawadi
  Mahajani Takri Dogra Kaithi Saurashtra Chakma Limbu Meetei_Mayek Tai_Tham Cham Brahmi Kharoshthi Bhaiksuki
  Masaram_Gondi Gunjala_Gondi Nandinagari Dives_Akuru Kawi Syloti_Nagri Lepcha Zanabazar_Square Soyombo Marchen Ahom
  Rejang Buginese Tifinagh Old_Hungarian Duployan`

// Signs that these scripts share and Unicode therefore counts to no script: tatweel, harakat, accents, danda.
const JOINING_SHARED = String.raw`\u0640\u064b-\u0655\u0670\u0951-\u0954\u0964\u0965\u1cd0-\u1cff\ua830-\ua839`
// Joiners place the meteg among Hebrew points; between Hebrew letters they do nothing.
const HEBREW_POINTS = String.raw`\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7`

// Written without spaces, so that U+200B marks where a line may break.
const UNSPACED = `Thai Lao Khmer Myanmar Tai_Le New_Tai_Lue Tai_Tham Tai_Viet Ahom Balinese Javanese Batak Rejang
  Buginese Cham Chakma`

function scripts(names: string): string {
  return names
    .split(/\s+/)
    .map((name) => String.raw`\p{Script=${name}}`)
    .join('')
}

/** A joiner (U+200C, U+200D) beside one of these has work to do. */
export const JOINED: string = `${scripts(JOINING)}${JOINING_SHARED}${HEBREW_POINTS}`

/** A zero-width space (U+200B) beside one of these has work to do. */
export const WITHOUT_SPACES: string = scripts(UNSPACED)
