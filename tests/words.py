"""The words of the site in Spanish: what docs/words.md says, as patterns for the tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Words of docs/words.md that the site does not write, and the forms in which they occur.
OTHER_WORDS = {
    "dataset": r"datasets?",
    "paquete": r"paquetes?",
    "recurso": r"recursos?(?! naturales| humanos)",
    "fichero": r"ficheros?",
    "añadir": r"añad\w+",
    "borrar": r"borr(?!ador)\w+",
    "email": r"e-?mails?",
    "token": r"tokens?",
    "etiqueta": r"etiquetas?",
    "papel": r"papel(?:es)?",
    "sysadmin": r"sysadmins?",
    "ente coordinador": r"ente coordinador",
    "login": r"login",
    "ingresar": r"ingresar|ingrese",
    "parsear": r"parse\w+",
    "resetear": r"resete\w+",
}
# Forms of address other than "usted": tú, and vos.
INFORMAL = (
    r"tú|tu|tus|te|ti|contigo|vos|"
    r"(?:est|podr|tendr|ser|ver|quer)ás|eres|sos|has|tienes|tenés|quieres|querés|puedes|podés|"
    r"debes|debés|deseas|necesitas|sabes|sabés|ves|haz|hacé|hacés|elegí|escribí|presioná|"
    r"inténtalo|haces|escribes"
)
# Verbs that are orders of a "tú" at the beginning of a sentence, and elsewhere third persons.
ORDERS = (
    "Busca|Elige|Selecciona|Ingresa|Introduce|Añade|Agrega|Escribe|Revisa|Confirma|Prueba|Vuelve|"
    "Intenta|Evita|Publica|Sube|Cambia|Guarda|Restablece|Actualiza|Asocia|Haz|Regresa"
)
# Words that stand in nearly every English sentence or on English buttons, and in no Spanish one.
ENGLISH = (
    r"the|and|of|with|this|that|your|you|are|is|not|have|has|been|from|please|click|update|"
    r"delete|save|cancel|search|resources?|upload|username|password|settings|fields?|remove|add|"
    r"edit|views?|hide|show|more|required|loading|submit|help|members?|followers?|dashboard"
)
_WORDS = {
    "otra palabra": re.compile(rf"\b(?:{'|'.join(OTHER_WORDS.values())})\b", re.IGNORECASE),
    "tú o vos": re.compile(rf"\b(?:{INFORMAL})\b", re.IGNORECASE),
    "orden a un tú": re.compile(rf"(?:^|[.:!?¿¡(] *)(?:{ORDERS})\b"),
}
_ENGLISH = re.compile(rf"\b(?:{ENGLISH})\b", re.IGNORECASE)
# What a sentence holds that is no sentence: tags, placeholders, code, commands, addresses.
_NO_WORDS = re.compile(
    r"<[^>]*>|%\(\w+\)[sdi]|\{[^}]*\}|`[^`]*`|\bckan \w[\w -]*|\b\w+_\w+\b|"
    r"\b[\w.+-]+@[\w-]+\.[\w.]+|\w+:/\S*|\b[\w-]+\.[\w.-]+/\S*"
)


def find_other_words(text: str) -> list[str]:
    """Return what is wrong with a Spanish text: tú, vos, or another word than the site's."""
    plain = _NO_WORDS.sub(" ", text)
    return [f"{why}: {found[0]}" for why, rule in _WORDS.items() for found in rule.finditer(plain)]


def find_english(text: str) -> list[str]:
    """Return the English words of a text."""
    return _ENGLISH.findall(_NO_WORDS.sub(" ", text))


def describe_faults(texts: Iterable[str]) -> Iterator[str]:
    """Yield each text of a Spanish page that has another word or English, and why."""
    for text in texts:
        faults = [*find_other_words(text), *(f"inglés: {word}" for word in find_english(text))]
        if faults:
            yield f"{faults[0]} | {text[:200]}"
