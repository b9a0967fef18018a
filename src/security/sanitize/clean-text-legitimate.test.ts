import { describe, expect, it } from 'vitest'
import { cleanText } from './clean-text.js'
import { NOTHING_REMOVED } from './removed-text.js'

type Case = readonly [string, string]

const tags = (ascii: string): string =>
  Array.from(ascii, (letter) => String.fromCodePoint(0xe0000 + (letter.codePointAt(0) ?? 0))).join('')

const plain: readonly Case[] = [
  ['empty', ''],
  ['English', 'The quick brown fox jumps over the lazy dog.'],
  ['tabs and indentation', 'if (a) {\n\treturn b\n}\n'],
  ['Windows line ends', 'one\r\ntwo\r\n\r\nthree\r\n'],
  ['JSON', '{"a":[1,2.5e-3,null,true],"b":"\\u202e \\n","c":{}}'],
  ['escapes written out', '\\x1b[31m \\u200b ^[[0m &#8238; %1B[2J'],
  ['brackets like escapes without ESC', '[31mred[0m ]8;;http://a.example'],
  ['CSV', 'name;amount\n"Müller";1.234,56 €\n'],
  ['German', '„Größe“ – ‚Straße‘ »Öl« … 5 €'],
  [
    'soft hyphens in long German words',
    'Donau\u00addampf\u00adschiff\u00adfahrt, Kinder\u00adgarten\u00adkind',
  ],
  ['soft hyphens in long Russian words', 'электро\u00adэнергетика'],
  ['French with narrow spaces', '« Ça va ? » 12\u202f345,67\u00a0€'],
  ['Polish, Czech, Turkish', 'Zażółć gęślą jaźń, příliš žluťoučký kůň, ığüşöç İ'],
  ['Vietnamese, composed', 'Tiếng Việt có dấu: ộ ữ ẫ'],
  ['Vietnamese, decomposed', 'Tie\u0302\u0301ng Vie\u0323\u0302t'],
  ['Greek, polytonic and decomposed', 'Ἐν ἀρχῇ ἦν ὁ λόγος, α\u0313\u0301'],
  ['Russian and Ukrainian', 'Съешь же ещё этих мягких булок, її ґанок'],
  ['Church Slavonic marks', 'Бг҃ъ, г\u0483ди\u0486'],
  ['IPA with stacked marks', 'ˈt͡ʃɛ̝̃ːr̩ ɔ\u0303\u031e\u0302 ɫ̩'],
  ['Georgian, Armenian', 'საქართველო, Հայաստան'],
  ['Ethiopic, Cherokee, Tifinagh', 'ሰላም፡ለዓለም ᎠᏂᏴᏫᏯ ⵜⴰⵎⴰⵣⵉⵖⵜ'],
  ['spaces of all widths', 'a\u00a0b\u2003c\u2009d\u200ae\u202ff\u205fg\u3000h\u1680i'],
  ['typography', '‐‑–—―‖‘’‚“”„†‡•…‰′″‹›※⁂'],
  ['box drawing', '┌──┬──┐\n│ ├──┤ │\n└──┴──┘ ░▒▓█ ▁▂▃▄▅▆▇'],
  ['arrows and mathematics', '∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β → ∅ ≠ ∑∫√∞'],
  ['mathematical alphanumerics', '𝐀𝑩𝒞𝔇𝔼𝙁 𝟘𝟙𝟚'],
  ['variants of operators', '∩\ufe00 ∪\ufe00 ≨\ufe00 ⊕\ufe00 0\ufe00'],
  ['musical notation', '𝄞 𝄢 𝅘𝅥𝅮 \u{1d15f}\u{1d16d} 𝄽'],
  ['beams in musical notation', '\u{1d173}\u{1d158}\u{1d165}\u{1d158}\u{1d165}\u{1d174}'],
  ['Braille text', '⠓⠑⠇⠇⠕\u2800⠺⠕⠗⠇⠙'],
  ['Braille picture', '\u2800\u2800⣀⣤⣶\u2800\n\u2800\u2800\u2800\u2800\n⠛⠿\u2800'],
  ['replacement character', 'caf\ufffd'],
  ['zodiac and chess as text', '♈ ♞ ☎ ✓ ✗ ★ ☆'],
  ['superscripts and fractions', 'x² + y₁ ½ ⅞ № ℃ ™ © ®'],
  ['emoticons of many scripts', '¯\\_(ツ)_/¯ ( ͡° ͜ʖ ͡°) ಠ_ಠ (╯°□°)╯︵ ┻━┻'],
]

const rightToLeft: readonly Case[] = [
  ['Arabic', 'السلام عليكم ورحمة الله'],
  ['Arabic with tashkeel', 'بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ'],
  ['Arabic with tatweel and signs', 'محمـــد ﷺ ۞ ۝١'],
  ['Arabic number signs', '\u0600١٢ \u0601٣ \u06dd٤ \u08e2'],
  ['Arabic date with marks', '9\u200f/11\u200f/2001، 1:46 ص'],
  ['Arabic calendar with joiner', '18 شهرفار 1380 ه\u200d.ش'],
  ['Arabic letter forms by joiners', 'ه\u200d \u200dه\u200d \u200dه'],
  ['Arabic with mark after Latin', 'أحب C++\u200e كثيرا'],
  ['Arabic negative number', '\u061c-١٬٢٣٤٫٥'],
  ['Persian', 'می\u200cخواهم کتاب\u200cها را ببینم'],
  ['Persian suffix on Latin and digits', 'PDF\u200cها، ۵\u200cساله'],
  ['Persian abbreviation', '۲۱ جمادی\u200cالثانی ۱۴۲۲ ه\u200d.ق.'],
  ['Persian prefix alone', 'می\u200c و نمی\u200c'],
  ['Urdu', 'اُردُو زبان ہے، علم\u200cو\u200cفن'],
  ['Kurdish', 'دەچم بۆ ماڵەوە، هەڵ\u200cبژاردن'],
  ['Uyghur and Pashto', 'ئۇيغۇر تىلى، پښتو ژبه'],
  ['Hebrew', 'שלום עולם'],
  ['Hebrew with points and cantillation', 'בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים'],
  ['Hebrew with grapheme joiner', 'יְרוּשָׁלַ\u034fִם'],
  ['Hebrew with joiner before meteg', 'הֱ\u200dֽיֹות'],
  ['Hebrew exclamation before Latin', 'שלום!\u200f Hello'],
  ['Hebrew with Latin and marks', 'אני אוהב C#\u200e ו-C++\u200e מאוד'],
  ['Hebrew amount', '\u200f1,234.00\u00a0\u200f₪'],
  ['Hebrew negative dollars', '\u200f\u200e-1,234.50\u00a0\u200f$'],
  ['negative number alone', '\u200e-1,234.5'],
  ['isolated Latin in Hebrew', 'התקשרו ל-\u2066+972 3 123\u2069 עכשיו'],
  ['right-to-left isolate of Hebrew', 'title: \u2067שלום, world!\u2069.'],
  ['message formatter in English', 'Hello, \u2068Anna\u2069! You have \u20683\u2069 mails.'],
  ['message formatter with Hebrew name', 'Hello, \u2068דנה\u2069!'],
  ['message formatter in Japanese', 'こんにちは\u2068Anna\u2069さん'],
  ['message formatter, nested', 'From \u2068Dr. \u2068Anna\u2069 B.\u2069.'],
  ['Yiddish, Ladino', 'ייִדיש לאַדינאָ'],
  ['Syriac with abbreviation', 'ܫܠܡܐ \u070fܩܛ\u200c'],
  ['Thaana', 'ދިވެހިބަސް'],
  ["N'Ko", 'ߒߞߏ ߓߟߏߡߊ߬'],
  ['Adlam', '𞤀𞤣𞤤𞤢𞤥 𞤆𞤵𞤤𞤢𞤪'],
  ['Mandaic, Samaritan', 'ࡌࡀࡍࡃࡀࡉࡀ ࠔࠌࠓࠉࠌ'],
]

const southAsian: readonly Case[] = [
  ['Hindi', 'हिन्दी में लिखा हुआ पाठ।'],
  ['Hindi half form by joiner', 'क्\u200dष'],
  ['Hindi explicit virama', 'क्\u200cष'],
  ['Hindi virama at the end', 'वाक्\u200c है, र्\u200d'],
  ['Marathi eyelash ra', 'दर्\u200dया, सुर्\u200dया'],
  ['Nepali', 'गर्\u200dयो'],
  ['Sanskrit with Vedic accents', 'अ॒ग्निमी॑ळे पु॒रोहि॑तं य॒ज्ञस्य॑'],
  ['Bengali ya-phalaa', 'র\u200d্যাব, হ\u200d্যাঁ'],
  ['Bengali hasant', 'শাক্\u200cসব্জি'],
  ['Assamese', 'অসমীয়া ভাষা'],
  ['Punjabi', 'ਪੰਜਾਬੀ ਭਾਸ਼ਾ'],
  ['Gujarati', 'ગુજરાતી ક્\u200dષ'],
  ['Odia', 'ଓଡ଼ିଆ ଭାଷା'],
  ['Tamil', 'தமிழ் க்\u200cஷ'],
  ['Telugu', 'తెలుగు సాఫ్ట్\u200cవేర్'],
  ['Kannada', 'ಕನ್ನಡ ರ\u200d್ಕ'],
  ['Malayalam chillu by joiner', 'അവന്\u200d മലയാളം എല്\u200d'],
  ['Malayalam atomic chillu', 'അവൻ എൽ സോഫ്റ്റ്\u200cവെയർ'],
  ['Sinhala', 'ශ්\u200dරී ලංකා, ක්\u200dෂ'],
  ['Tibetan with a tall stack', 'ཧཱུྃ ཨོཾ་མ་ཎི་པདྨེ་ ཧྐྵྨླྺྼྻྂ'],
  ['Santali, Meetei, Limbu', 'ᱥᱟᱱᱛᱟᱲᱤ ꯃꯩꯇꯩꯂꯣꯟ ᤕᤰᤌᤢᤱ'],
  ['Chakma, Brahmi, Kaithi', '𑄌𑄋𑄴𑄟𑄳𑄦 𑀩𑁆𑀭𑀸𑀳𑁆𑀫𑀻 𑂍𑂶𑂟𑂲 \u{110bd}𑂍'],
]

const eastAsian: readonly Case[] = [
  ['Thai', 'ภาษาไทยที่เขียนต่อกัน ๑๒๓'],
  ['Thai with word breaks', 'สวัสดี\u200bชาวโลก\u200bครับ'],
  ['Thai breaks beside Latin and digits', 'ราคา\u200b100\u200bบาท'],
  ['Lao with word breaks', 'ສະບາຍ\u200bດີ'],
  ['Khmer with word breaks', 'ភាសា\u200bខ្មែរ\u200b។'],
  ['Khmer register shifter', 'ប៉\u200cី ម៉\u200cឺង'],
  ['Burmese', 'မြန်မာဘာသာ\u200bစကား'],
  ['Shan variant of Burmese', 'က\ufe00 တ\ufe00'],
  ['Javanese, Balinese', 'ꦧꦱꦗꦮ ᬪᬵᬱᬩᬮᬶ'],
  ['Chinese', '简体中文,繁體中文。《書名》'],
  ['Japanese', '日本語の文章、カタカナ、ひらがな。'],
  ['kana, decomposed', 'か\u3099き\u3099は\u309a'],
  ['Japanese names', '葛\u{e0100}城市、渡邉\u{e0101}さん、辻\u{e0101}'],
  ['compatibility variants', '神\ufe00 福\ufe01'],
  ['full-width punctuation variants', '、\ufe00。\ufe01'],
  ['rare ideographs', '𠮷野家 𩸽 𠀋'],
  ['half- and full-width', 'ﾊﾝｶｸ FULL 0123'],
  ['Korean', '한국어 문장입니다.'],
  ['Korean, decomposed', '\u1112\u1161\u11ab\u1100\u116e\u11a8'],
  ['Old Hangul', '\u1112\u119e\u11ab \u1102\u1161\u302e'],
  ['Old Hangul with fillers', '\u115f\u1161 \u1100\u1160\u11a8 \u115f\u1160\u11ab'],
  ['Mongolian with variants', 'ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ ᠠ\u180bᠨ ᠨᠢ\u180fᠭ'],
  ['Mongolian vowel separator', 'ᠬᠠᠮᠢᠭ\u180eᠠ ᠨᠢᠭᠡ\u202fᠶᠢᠨ'],
  ['Manchu and Phags-pa', 'ᠮᠠᠨᠵᡠ ꡖ\ufe00ꡟ'],
  ['Yi, Bopomofo', 'ꆈꌠꁱꂷ ㄅㄆㄇ'],
]

const emoji: readonly Case[] = [
  ['smileys', '😀😃😄 🎉'],
  ['family', '👨\u200d👩\u200d👧\u200d👦'],
  ['profession with skin tone', '👩🏽\u200d💻 👨🏿\u200d🚀 🧑🏻\u200d⚕\ufe0f'],
  ['couple with skin tones', '👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏾'],
  ['handshake', '🫱🏻\u200d🫲🏿'],
  ['hearts', '❤\ufe0f ❤ ❤\ufe0e ❤\ufe0f\u200d🔥'],
  ['direction', '🏃\u200d♂\ufe0f\u200d➡\ufe0f 🙂\u200d↔\ufe0f'],
  ['joined without selector', '👁\u200d🗨 🏃\u200d♀'],
  ['flags of countries', '🇩🇪🇮🇷🇮🇳🇺🇳🇪🇺'],
  ['flags of regions', ['gbeng', 'gbsct', 'gbwls', 'ustx'].map((id) => `🏴${tags(id)}\u{e007f}`).join(' ')],
  ['rainbow, pirate, transgender', '🏳\ufe0f\u200d🌈 🏴\u200d☠\ufe0f 🏳\ufe0f\u200d⚧\ufe0f'],
  ['keycaps', '1\ufe0f\u20e3 #\ufe0f\u20e3 *\ufe0f\u20e3 9\u20e3'],
  ['animals', '🐈\u200d⬛ 🐻\u200d❄\ufe0f 🐦\u200d🔥 🍋\u200d🟩'],
  [
    'symbols in two styles',
    '☎\ufe0f ☎\ufe0e ✔\ufe0f ↩\ufe0e ▶\ufe0f ㊗\ufe0f 〰\ufe0f ©\ufe0f ™\ufe0e ↑\ufe0e ★\ufe0e',
  ],
  ['emoji in sentences', 'Done ✅, see “notes” 📝\ufe0f — ok? 👍🏽!'],
]

const historic: readonly Case[] = [
  ['hieroglyphs with layout', '𓊪\u{13430}𓏏\u{13430}𓇯 \u{13437}𓅓\u{13431}𓏏\u{13438}'],
  ['hieroglyphs turned', '𓂑\ufe00 𓃒\ufe03'],
  ['Old Hungarian ligature', '𐲪\u200d𐲢'],
  ['cuneiform, runes, Gothic, Linear B', '𒀀𒁀 ᚠᚢᚦ 𐌰𐌱 𐀀𐀁'],
  ['Khitan with filler', '\u{18b00}\u{16fe4}\u{18b01}'],
  ['shorthand with layout', '\u{1bc00}\u{1bca0}\u{1bc01}'],
]

describe.each([
  ['plain', plain],
  ['right to left', rightToLeft],
  ['South Asian', southAsian],
  ['East Asian', eastAsian],
  ['emoji', emoji],
  ['historic', historic],
] as const)('legitimate text: %s', (_family, cases) => {
  it.each(cases)('%s', (_label, text) => {
    const cleaned = cleanText(text)
    expect(JSON.stringify(cleaned.text)).toBe(JSON.stringify(text))
    expect(cleaned.removed).toBe(NOTHING_REMOVED)
  })

  it('stays whole in one text', () => {
    const text = cases.map(([, one]) => one).join('\n')
    expect(cleanText(text)).toEqual({ text, removed: [] })
  })
})

it('has at least 80 legitimate texts', () => {
  const count = [plain, rightToLeft, southAsian, eastAsian, emoji, historic].flat().length
  expect(count).toBeGreaterThanOrEqual(80)
})

const LOCALES = [
  'he',
  'ar',
  'ar-EG',
  'ar-MA',
  'fa',
  'ur',
  'ps',
  'ckb',
  'sd',
  'ug',
  'yi',
  'dv',
  'syr',
  'nqo',
  'ks-Arab',
]
const MORE = [
  'uz-Arab',
  'pa-Arab',
  'mzn',
  'hi',
  'bn',
  'ta',
  'ml',
  'si',
  'th',
  'lo',
  'km',
  'my',
  'mn',
  'bo',
  'ja',
  'ko',
]

/** Dates, numbers, amounts, units and lists as the platform writes them for a locale. */
function formatted(locale: string): string[] {
  const amounts = ['ILS', 'USD', 'SAR', 'IRR', 'EGP'].flatMap((currency) =>
    (['standard', 'accounting'] as const).flatMap((currencySign) =>
      [-1234.5, 0.5].map((amount) =>
        new Intl.NumberFormat(locale, { style: 'currency', currency, currencySign }).format(amount),
      ),
    ),
  )
  const numbers = [-1234.5, 0.5].flatMap((number) =>
    [
      {},
      { signDisplay: 'always' } as const,
      { style: 'percent' } as const,
      { notation: 'scientific' } as const,
      ...['kilometer', 'celsius', 'byte'].map((unit) => ({ style: 'unit', unit }) as const),
    ].map((options) => new Intl.NumberFormat(locale, options).format(number)),
  )
  const dates = (['full', 'long', 'medium', 'short'] as const).flatMap((dateStyle) =>
    ['gregory', 'islamic', 'hebrew', 'persian'].map((calendar) =>
      new Intl.DateTimeFormat(locale, { dateStyle, timeStyle: 'short', calendar, timeZone: 'UTC' }).format(
        1e12,
      ),
    ),
  )
  const list = new Intl.ListFormat(locale).format(['a', 'b', 'c'])
  return [...amounts, ...numbers, ...dates, list, new Intl.RelativeTimeFormat(locale).format(-3, 'day')]
}

it.each([...LOCALES, ...MORE])('what the platform writes for %s stays', (locale) => {
  const damaged = formatted(locale).filter((text) => cleanText(text).text !== text)
  expect(damaged.map((text) => JSON.stringify(text))).toEqual([])
})
