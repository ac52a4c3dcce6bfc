"""What an attribute may be used for, and which purpose its name suggests."""

import re
import unicodedata
from enum import StrEnum
from itertools import pairwise


class Purpose(StrEnum):
    """identity: never in a snapshot; sensitive: only in conditions that a person wrote; models: everything."""

    IDENTITY = "identity"
    MODELS = "models"
    TARGETING = "targeting"
    SENSITIVE = "sensitive"


MEANINGS = {
    Purpose.MODELS: "Models, discovery and conditions may use it.",
    Purpose.TARGETING: "Conditions may use it; models and discovery do not.",
    Purpose.SENSITIVE: "Special by law. Never in models or discovery; marked where conditions are written.",
    Purpose.IDENTITY: "Says who somebody is. In no snapshot: neither conditions nor models see it.",
}

#: why -> how words begin, in English, German, French, Spanish, Italian, Dutch, Swedish, Danish, Norwegian and Finnish
_STEMS = {
    "health": (
        "health medic diagnos diseas disab allerg pregnan patient therap prescri illness treatment handicap "
        "bloodtype gesund krank behinder schwanger sante malad grossesse salud enferm discapac embaraz salute "
        "malatt gravid gezond ziek zwanger halsa halso sjuk funktionsned graviditet sundhed sygdom helse "
        "sykdom tervey sairau vamma raskau vaccin hiv dieta diabet cancer krebs depression psych addict"
    ),
    "religion": (
        "relig faith church mosque synagog muslim christian jewish hindu buddh catholi konfession glauben "
        "kirchen croyance confess iglesia credo geloof kerk kyrko trosuppfatt troend uskon denominat halal "
        "kosher"
    ),
    "ethnic origin": (
        "ethnic ethni etni etnic etnisk race racial skincolo hautfarb herkunft rasse origineethn raza razza "
        "ras hudfarg ursprung etnin tribe caste"
    ),
    "politics": (
        "politic politi polit partymember partei partido partito parti partij puolue vote voter voting wahl "
        "vaali ideolog"
    ),
    "trade union": (
        "union tradeunion labourunion gewerkschaft syndicat syndikat sindicat sindacat vakbond vakbonds "
        "fackfor fackforen fagforen ammattiliit"
    ),
    "sex life": (
        "sexual sexlife sexuell sexuali seksual seksuel seksuaal sexorient orientationsex gay lesbian lgbt "
        "hbtq hetero homosex bisex transgender genderident"
    ),
    "biometrics": (
        "biometr fingerprint fingerabdruck empreinte huella impronta vingerafdruk fingeravtryck fingeraftryk "
        "sormenjal faceid facialrec iris retina genetic genetik geneti dna genom"
    ),
    "criminal record": (
        "crimin convict offence offens felony prison strafbar strafregist vorstraf casier penal delito reato "
        "strafblad brott belastnings straffe rikos"
    ),
}
#: short ones that count as a whole word only
_WHOLE = "race ras rasse raza razza tribe caste union parti vote iris hiv dna gay psych"


def suggested(label: str) -> tuple[Purpose, str]:
    """The purpose that an attribute's name suggests, and why; ordinary ones are for models."""
    words = _words(label)
    for why, stems in _STEMS.items():
        if any(_tells(word, stem) for word in words for stem in stems.split()):
            return Purpose.SENSITIVE, why
    return Purpose.MODELS, ""


def _tells(word: str, stem: str) -> bool:
    return word == stem if stem in _WHOLE.split() else word.startswith(stem)


def _words(label: str) -> list[str]:
    """The label's words in small letters without accents, and each two neighbours written as one."""
    plain = unicodedata.normalize("NFKD", label)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    apart = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", plain).lower()
    words = re.findall(r"[a-z0-9]+", apart)
    return words + [one + other for one, other in pairwise(words)]
