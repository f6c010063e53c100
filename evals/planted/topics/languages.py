"""Conversations in Spanish and French about food, in German and Portuguese about repairs."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, lines, pairs, words
from ..messages import Record
from .scene import Scene, play
from .vocabulary import PLAIN

SPANISH_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "plato": words(
        "la sopa de calabacín|el guiso de lentejas|la crema de puerros|el arroz con champiñones|"
        "la tortilla de cebolla|el pastel de limón|la ensalada de garbanzos|el bizcocho de almendra|"
        "la empanada de atún|el estofado de ñame|la menestra|el revuelto de espárragos"
    ),
    "cosa": words(
        "cebolla|limón|pimentón|aceite|calabacín|azafrán|champiñones|nata|jengibre|piñones|perejil|jamón|melón|maíz"
    ),
    "cuando": words("ayer|el miércoles|esta mañana|hace {number} días|el sábado|después de comer|en otoño|anoche"),
    "quien": words("la señora Ibáñez|una vecina|{name}|don Julián|la jefa|una compañera|doña Begoña|la abuela"),
}
SPANISH: Final = Scene(
    settles=("plato", "quien"),
    opening=lines("""
        Quiero preparar algo parecido a {plato} para {quien}.
        {cuando} hice {plato} y me salió demasiado líquido.
        {quien} vendrá a cenar y solo tengo {cosa} y {cosa}.
        ¿Sabe alguien cómo se conserva {plato}?
        Me han regalado {number} gramos de {cosa} y no sé qué cocinar.
        Soy {name}, de {town}, y busco una receta sin {cosa}.
        Cada vez que cocino {plato} se me quema el fondo.
        {quien} dice que {plato} no lleva {cosa}.
    """),
    detail=lines("""
        Solo dispongo de {number} minutos.
        No quiero gastar más de {number} euros.
        Aquí no encuentro {cosa} en ninguna tienda.
        Somos {few} personas más de lo previsto.
        Ya lo intenté {cuando}, sin éxito.
        A {quien} no le sienta bien el {cosa}.
        El horno de {town} calienta más de la cuenta.
        También me queda un poco de {cosa}.
    """),
    question=lines("""
        ¿Qué me aconseja?
        ¿Podría ayudarme, por favor?
        ¿Es normal?
        ¿Cuánto tiempo necesita?
        ¿Cómo puedo solucionarlo?
        ¿Se puede congelar?
        ¿Con qué lo acompaño?
    """),
    reply=lines("""
        Claro que sí, con mucho gusto.
        No se preocupe, tiene solución.
        Le explico cómo lo haría yo.
        Lo importante es no tener prisa con {plato}.
        Con {cosa} y un poco de paciencia saldrá bien.
        Seguramente el fuego estaba demasiado fuerte.
        Gracias por los detalles, así es más fácil.
    """),
    steps=lines("""
        Corte la cebolla muy fina y sofríala a fuego lento.
        Añada una pizca de sal y pruebe después de {number} minutos.
        Deje reposar {plato} antes de servir.
        Cúbralo con un paño húmedo hasta que sea la hora.
        Sustituya el {cosa} por la mitad de {cosa}.
        Caliente el aceite sin que llegue a humear.
        Reserve {number} mililitros del caldo para el final.
        Ralle un poco de {cosa} por encima.
        Baje el fuego cuando empiece a hervir.
        Pida a {quien} que lo pruebe antes de añadir más {cosa}.
        Guarde lo que sobre en un frasco, como máximo {few} días.
        Mezcle {number} gramos de harina con agua fría y espese la salsa.
        Póngalo al baño maría durante {number} minutos.
    """),
    closing=lines("""
        Cuénteme cómo quedó.
        ¡Buen provecho y un saludo a {name}!
        Así lo hacía siempre {quien}.
        En {town} lo sirven con {cosa}.
        Si sobra, mañana estará aún mejor.
        Con {cosa} también queda muy rico.
        No hace falta nada más.
    """),
    follow_ups=pairs("""
        ¿Y si no tengo cebolla?
            Entonces use puerro, unos {number} gramos, y un poco más de limón.
        ¿Puedo prepararlo el día antes?
            Sí, pero añada el {cosa} en el último momento y caliéntelo {number} minutos.
        ¿Cuánto necesito para {number} personas?
            Calcule unos {number}0 gramos en total y el doble de {cosa}.
        ¿Le gustará a {quien}?
            Creo que sí, sobre todo si lo sirve templado y con {cosa}.
    """),
)

FRENCH_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "plat": words(
        "la soupe à l'oignon|le gratin de légumes|la tarte aux poireaux|le ragoût de pois chiches|"
        "le gâteau à l'orange|la purée de céleri|le clafoutis|le risotto aux cèpes|la salade tiède|"
        "le pâté en croûte|le flan à la châtaigne"
    ),
    "chose": words("crème fraîche|thym|céleri|pâte brisée|safran|gruyère râpé|bière|purée|huile|maïs|café moulu|pain"),
    "quand": words("hier|mercredi dernier|ce matin|il y a {number} jours|après le déjeuner|cet été|samedi|à Noël"),
    "qui": words("ma voisine Hélène|{name}|la gérante|la stagiaire|une amie|tante Thérèse|la chorale|la directrice"),
}
FRENCH: Final = Scene(
    settles=("plat", "quand"),
    opening=lines("""
        J'aimerais préparer {plat} pour {number} personnes.
        {quand}, j'ai raté {plat} pour la deuxième fois.
        {qui} m'a demandé comment réussir {plat}.
        Il me reste {number} grammes de {chose} et je ne sais qu'en faire.
        Peut-on servir {plat} sans {chose} ?
        À {town}, on mange {plat} avec beaucoup de {chose}.
        Je m'appelle {name} et je débute en cuisine.
        {quand}, {qui} a brûlé {plat} et la poêle avec.
    """),
    detail=lines("""
        J'ai déjà essayé {quand}, sans succès.
        Le four de {town} chauffe trop fort.
        {qui} ne mange pas de {chose}.
        Il me reste à peine {number} minutes.
        Je n'ai trouvé ni {chose} ni {chose}.
        Mon budget est de {number} euros.
        Nous serons {few} de plus que prévu.
    """),
    question=lines("""
        Que me conseillez-vous ?
        Est-ce grave ?
        Combien de temps faut-il prévoir ?
        Comment éviter cela la prochaine fois ?
        Avez-vous une idée simple ?
        Peut-on le réchauffer ?
        Par quoi commencer ?
    """),
    reply=lines("""
        Bien sûr, voyons cela ensemble.
        Cela arrive souvent et se corrige en {number} minutes.
        Pour réussir {plat}, tout dépend de la température.
        Pas d'inquiétude, rien n'est perdu.
        Le secret, c'est d'attendre un peu avant de goûter.
        Très bonne idée, surtout avec un peu de {chose}.
        Voici comment je procéderais.
    """),
    steps=lines("""
        Faites revenir les légumes à feu doux, sans les colorer.
        Ajoutez {number} millilitres de lait et mélangez.
        Goûtez avant de resaler, c'est là que tout se joue.
        Laissez {plat} reposer jusqu'à ce que la vapeur cesse.
        Remplacez la moitié du {chose} par de l'eau de cuisson.
        Préchauffez le four et beurrez le moule.
        Coupez tout en dés de {few} millimètres à peu près.
        Gardez un peu de {chose} pour la fin.
        Couvrez et patientez {number} minutes.
        Râpez un zeste de citron par-dessus.
        Demandez à une autre personne de surveiller la cuisson.
        Égouttez bien, puis séchez avec un torchon.
        Délayez {number} grammes de farine dans un fond d'eau froide.
    """),
    closing=lines("""
        Bon appétit à tous !
        Racontez-moi comment cela s'est passé.
        C'est encore meilleur le lendemain.
        C'est ainsi que procède {qui}, en tout cas.
        À {town}, on ajoute volontiers du {chose}.
        Et surtout, ne vous pressez pas.
        Le reste se congèle très bien pendant {number} jours.
    """),
    follow_ups=pairs("""
        Et sans crème ?
            Prenez du lait d'avoine, {number} millilitres environ, et réduisez un peu plus longtemps.
        Puis-je le préparer la veille ?
            Oui, mais ajoutez le {chose} au dernier moment, puis réchauffez {number} minutes.
        Quelle quantité pour {number} invités ?
            Comptez {number}0 grammes en tout et doublez seulement le {chose}.
        Cela plaira-t-il à {qui} ?
            Je pense que oui, surtout servi tiède et avec un peu de {chose}.
    """),
)

GERMAN_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "ding": words(
        "der Wasserkocher|die Nähmaschine|das Türschloss|der Drucker|die Stehlampe|das Heizgerät|"
        "die Küchenwaage|der Lautsprecher|das Fahrradlicht|der Luftbefeuchter|die Kaffeemühle|das Funkgerät|"
        "der Rauchmelder|die Gefriertruhe|das Hörgerät"
    ),
    "macht": words(
        "läuft seit {number} Tagen nicht mehr|piept alle {number} Sekunden|wird ungewöhnlich heiß|"
        "brummt laut|lässt sich nicht mehr ausschalten|verliert über Nacht alle Einstellungen|"
        "zeigt nur noch Fehler {number}|löst jedes Mal die Sicherung aus|riecht verschmort|"
        "lädt höchstens bis {number} Prozent"
    ),
    "wann": words("gestern|am Mittwoch|heute früh|vor {number} Tagen|am Wochenende|im März|nach Feierabend|neulich"),
    "wer": words("die Schwägerin|die Nachbarin|{name}|eine Kollegin aus {town}|die Hausmeisterin|Frau Schäfer"),
}
GERMAN: Final = Scene(
    settles=("ding", "macht", "code"),
    opening=lines("""
        Guten Tag, {ding} {macht}.
        Hallo, hier ist {name} aus {town}: {ding} {macht}.
        {wann} habe ich die Bestellung {order} erhalten, aber {ding} {macht}.
        {wer} hat mir etwas verkauft, doch {ding} mit der Nummer {code} {macht}.
        Eine Frage zur Garantie, denn {ding} {macht} leider.
        Seit {wer} hier war, stimmt etwas nicht: {ding} {macht}.
        Wir haben {number} Geräte im Büro, und {ding} {macht}.
    """),
    detail=lines("""
        {wer} meint, es läge am Stecker.
        Die Garantie läuft am {day}. aus.
        Ich habe schon alles ausprobiert, was im Heft auf Seite {number} steht.
        Auf dem Schild steht {code}.
        In {town} hat {wann} niemand abgenommen.
        Für die Reparatur möchte ich höchstens {number} Euro ausgeben.
        Das Kabel wurde {wann} schon getauscht.
        Die Rechnung trägt die Nummer {order}.
    """),
    question=lines("""
        Was würden Sie mir raten?
        Könnten Sie bitte nachsehen?
        Lohnt sich eine Reparatur überhaupt noch?
        Wie lange dauert so etwas?
        Muss ich dafür nach {town} fahren?
        Woran könnte es liegen?
        Ist das gefährlich?
    """),
    reply=lines("""
        Natürlich, das bekommen wir hin.
        Danke für die ausführliche Beschreibung.
        Das tut mir leid, wir kümmern uns darum.
        So ein Fehler lässt sich meist in {number} Minuten beheben.
        Ich habe {wer} gefragt, hier die Antwort.
        Diese Störung kennen wir von der Serie {code}.
        Bitte öffnen Sie das Gerät vorerst nicht.
    """),
    steps=lines("""
        Ziehen Sie den Stecker und warten Sie {number} Minuten.
        Prüfen Sie, ob die Dichtung mit der Nummer {code} richtig sitzt.
        Schreiben Sie {order} groß auf den Karton.
        Lassen Sie {wer} einmal mit anfassen.
        Danach die Uhrzeit neu einstellen, sonst wiederholt sich das.
        Wenn das Licht grün bleibt, war es nur der Schalter.
        Der Überschuss wird bis zum {day}. gutgeschrieben.
        Halten Sie die mittlere Taste {number} Sekunden lang gedrückt.
        Wischen Sie die Kontakte mit einem trockenen Tuch ab.
        Notieren Sie die Zahl, die danach erscheint.
        Probieren Sie eine andere Steckdose, möglichst ohne Verlängerung.
        Schicken Sie uns ein Foto von der Rückseite.
        Entfernen Sie den Filter und spülen Sie ihn mit {number} Milliliter Wasser.
        Das Ersatzteil kommt bis zum {day}. aus {town}.
    """),
    closing=lines("""
        Melden Sie sich gern, falls es wieder auftritt.
        Viele Grüße nach {town}!
        Das Aktenzeichen lautet {code}.
        Spätestens am {day}. sollte alles erledigt sein.
        Sie erreichen uns täglich bis {number} Minuten vor Ladenschluss.
        Für {wer} gilt dasselbe.
        Bitte heben Sie die Rechnung gut auf.
    """),
    follow_ups=pairs("""
        Kann {wer} das abholen?
            Gern, mit der Nummer {code} und bis zum {day}. des Monats.
        Was kostet das ungefähr?
            Rund {number} Euro, und {few} weitere, falls ein Ersatzteil nötig wird.
        Brauche ich die Originalverpackung?
            Nein, jeder stabile Karton genügt, wenn rundherum {few} Zentimeter Polster sind.
        Und wenn das nicht hilft?
            Dann tauschen wir das Gerät bis zum {day}. aus, schreiben Sie einfach {order} dazu.
    """),
)

PORTUGUESE_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "objeto": words(
        "a chaleira|o secador|a impressora|o fogão elétrico|a câmara|o relógio|a balança|o rádio|"
        "a máquina de costura|o aquecedor|a luminária|o moedor de café|o portão|a antena|o colchão térmico"
    ),
    "faz": words(
        "não liga mais|faz um barulho estranho|aquece demais|desliga após {number} minutos|"
        "mostra o erro {number}|perde a configuração à noite|cheira a queimado|"
        "só carrega até {number} por cento|treme sobre a mesa"
    ),
    "quando": words("ontem|na terça-feira|esta manhã|há {number} dias|depois do almoço|no verão|no sábado|em março"),
    "quem": words("{name}|Dona Márcia|Seu Antônio|uma amiga de {town}|um vizinho|uma professora|um técnico"),
}
PORTUGUESE: Final = Scene(
    settles=("objeto", "faz"),
    opening=lines("""
        Olá, {objeto} que comprei {quando} {faz}.
        Bom dia, sou {name}, de {town}, e {objeto} {faz}.
        O pedido {order} chegou {quando}, mas {objeto} {faz}.
        ATENÇÃO: {objeto} com o código {code} {faz}.
        {quem} diz que {objeto} {faz} por causa da tomada.
        Desde que {quem} mexeu nos fios, {objeto} {faz}.
        Tenho uma dúvida sobre a garantia, porque {objeto} {faz}.
    """),
    detail=lines("""
        O código na etiqueta é {code}.
        {quem} acha que não vale a pena.
        Já liguei para {town}, sem resposta.
        A garantia acaba no dia {day}.
        Guardei o recibo número {code}.
        Não quero gastar mais de {number} euros.
        Troquei a extensão {quando} e nada mudou.
        A fatura tem o número {order}.
    """),
    question=lines("""
        O que devo fazer?
        Pode ajudar-me, por favor?
        Há solução?
        Quanto tempo demora a reparação?
        Preciso de ir até {town}?
        É perigoso?
        Como evito isso da próxima vez?
    """),
    reply=lines("""
        Claro, vamos por partes.
        Peço desculpa pela confusão.
        Com essa descrição já encontrei a informação.
        É uma avaria comum e resolve-se em {number} minutos.
        Falei com {quem} e a explicação é simples.
        Por favor, não abra o aparelho ainda.
        Conhecemos esse problema na série {code}.
    """),
    steps=lines("""
        Desligue da tomada e aguarde {number} minutos.
        Verifique se a peça {code} não está solta.
        Escreva {order} na caixa, em letras grandes.
        Peça a {quem} que assine a declaração.
        Se a luz não acender, repita a operação no dia {day}.
        A diferença será devolvida em {few} prestações.
        Mantenha o botão do meio premido durante {number} segundos.
        Limpe os contactos com um pano seco.
        Anote o número que aparecer depois.
        Experimente outra tomada, sem extensão.
        Envie-nos uma fotografia da parte de trás.
        Lave o filtro com {number} mililitros de água morna.
        A peça nova chega de {town} até ao dia {day}.
        Acerte a hora, senão o erro volta.
    """),
    closing=lines("""
        Avise-me se voltar a acontecer, está bem?
        A referência é {code}.
        Até ao dia {day} fica tudo resolvido.
        Em {town} também prestamos assistência.
        Lembranças a {name}!
        Guarde a fatura em lugar seguro.
        O mesmo vale para {quem}, é claro.
    """),
    follow_ups=pairs("""
        {quem} pode ir buscar?
            Pode, com o número {code}, em qualquer dia depois do dia {day}.
        Quanto vai custar?
            Cerca de {number} euros, e mais {few} se for necessária uma peça nova.
        Preciso da embalagem original?
            Não, qualquer caixa firme serve, com {few} centímetros de proteção à volta.
        E se não resultar?
            Então trocamos o aparelho até ao dia {day}; basta indicar {order}.
    """),
)

# How often each language is drawn, in parts of the total.
_LANGUAGES: Final = (
    *((SPANISH_SLOTS, SPANISH, "es"),) * 5,
    *((FRENCH_SLOTS, FRENCH, "fr"),) * 5,
    *((GERMAN_SLOTS, GERMAN, "de"),) * 5,
    *((PORTUGUESE_SLOTS, PORTUGUESE, "pt"),) * 4,
)


def conversation(draw: Draw) -> Record:
    """One record in Spanish, French, German or Portuguese."""
    slots, scene, code = draw.pick(_LANGUAGES)
    return {"messages": play(Speaker(draw, slots), scene), "source": f"polyglot-{code}"}
