"""Conversations in Chinese, written without spaces, and Persian, which needs a zero-width non-joiner."""

from __future__ import annotations

from typing import Final

from ..draw import Draw, Speaker, lines, pairs, words
from ..messages import Record
from .scene import Scene, play
from .vocabulary import PLAIN

PERSIAN_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "nj": ("\u200c",),
    "vasile": words("چراغ مطالعه|قهوه{nj}ساز|چاپگر|رادیو|ترازو|بخاری|دوچرخه|ساعت|تلفن|دوربین|جاروبرقی|یخچال"),
    "key": words("دیروز|امروز صبح|هفته{nj}ی گذشته|سه روز پیش|دوشنبه|بعد از ناهار|در بهار|شب گذشته"),
    "kas": words("خانم رضایی|آقای کریمی|سارا|معلم مدرسه|مادربزرگ|همسایه|تعمیرکار|نگهبان"),
}
PERSIAN: Final = Scene(
    settles=("vasile", "code"),
    opening=lines("""
        سلام، {vasile} را {key} خریدم و حالا روشن نمی{nj}شود.
        سفارش {order} هنوز به دستم نرسیده است.
        {kas} {key} گفت که {vasile} خراب شده است.
        {vasile} از {key} صدای عجیبی می{nj}دهد.
        {key} {vasile} را تمیز کردم ولی باز هم کار نمی{nj}کند.
    """),
    detail=lines("""
        شماره{nj}ی آن {code} است.
        فقط {number} دقیقه وقت دارم.
        {kas} می{nj}گوید باید عوض شود.
        {key} هم تماس گرفتم.
        نمی{nj}خواهم بیشتر از {number} یورو هزینه کنم.
    """),
    question=lines("""
        چه کار باید بکنم؟
        می{nj}توانید راهنمایی کنید؟
        چقدر طول می{nj}کشد؟
        به نظر شما درست می{nj}شود؟
    """),
    reply=lines("""
        سلام، حتماً کمک می{nj}کنم.
        ممنون که شماره{nj}ی {code} را نوشتید.
        نگران نباشید، معمولاً درست می{nj}شود.
        این مشکل را پیش از این هم دیده{nj}ایم.
    """),
    steps=lines("""
        ابتدا {vasile} را خاموش کنید و {number} دقیقه صبر کنید.
        از {kas} بپرسید رسید را نگه داشته است یا نه.
        شماره{nj}ی {order} را روی جعبه بنویسید.
        اگر باز هم همین{nj}طور بود، عکس بفرستید.
        سیم{nj}ها را یکی{nj}یکی بررسی کنید.
        دکمه را {number} ثانیه نگه دارید.
        قطعه{nj}ی تازه تا روز {day} می{nj}رسد.
        با پارچه{nj}ی خشک تمیزش کنید.
    """),
    closing=lines("""
        نتیجه را برایم بنویسید.
        شماره{nj}ی پیگیری {code} است.
        تا روز {day} پاسخ می{nj}دهیم.
        به {kas} سلام برسانید.
    """),
    follow_ups=pairs("""
        {kas} می{nj}تواند آن را بگیرد؟
            بله، با شماره{nj}ی {code} و تا روز {day}.
        هزینه{nj}اش چقدر است؟
            حدود {number} یورو، و اگر قطعه لازم باشد {few} یورو بیشتر می{nj}شود.
    """),
)

CHINESE_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "cai": words(
        "番茄鸡蛋面|土豆炖牛肉|香菇青菜|南瓜粥|红豆汤|葱油饼|凉拌黄瓜|豆腐煲|玉米排骨汤|芹菜炒虾仁|清蒸鱼|萝卜糕"
    ),
    "liao": words("酱油|香油|葱花|姜片|蒜末|白糖|花椒|米醋|豆瓣酱|料酒|淀粉|虾皮|芝麻|八角"),
    "shihou": words("昨天|今天早上|上个星期三|{number}天前|周末|中午|上个月|前天晚上|春节期间"),
    "ren": words("小林|邻居|房东|李阿姨|王老师|楼下的师傅|新来的实习生|店长|张先生|奶奶"),
}
CHINESE: Final = Scene(
    settles=("cai",),
    opening=lines("""
        你好，{ren}想吃{cai}，可是我从来没有做过。
        {shihou}我做了{cai}，味道却很淡，{ren}只吃了一口。
        我照着{ren}的办法做{cai}，结果锅底都糊了。
        家里只剩下{liao}和{liao}，能做{cai}吗？
        {shihou}在{town}吃到的{cai}特别香，想自己试一试。
        {ren}说{cai}里不能放{liao}，是真的吗？
    """),
    detail=lines("""
        家里只有{number}克面粉和一点{liao}。
        {ren}不喜欢{liao}的味道。
        我{shihou}已经试过一次。
        我只剩下{number}分钟。
        一共要招待{number}位客人。
        附近的店里买不到{liao}。
    """),
    question=lines("""
        请问应该怎么做？
        可以教教我吗？
        这样正常吗？
        大概需要多长时间？
        还要准备什么？
        哪一步最容易出错？
    """),
    reply=lines("""
        当然可以，我们一步一步来。
        别担心，很多人第一次做都会这样。
        做{cai}最重要的是火候。
        先把{liao}准备好，后面就简单了。
        问题多半出在{liao}放得太早。
        这道菜其实只要{number}分钟。
    """),
    steps=lines("""
        把葱和姜切碎，用小火慢慢炒香。
        加{number}毫升热水，盖上锅盖再煮一会儿。
        出锅之前再放盐，不然{cai}会太咸。
        用{number}克淀粉加冷水调匀，最后勾芡。
        {liao}要分两次放，第一次只放一半。
        水开以后转小火，再等{number}分钟。
        请{ren}先尝一口，再决定要不要加{liao}。
        锅里的油不要烧到冒烟。
        切成{few}厘米左右的小块，熟得比较均匀。
        关火以后焖{number}分钟，味道更足。
        没有{liao}的话，可以换成{liao}。
        最后撒上{liao}，趁热端上桌。
    """),
    closing=lines("""
        希望{ren}会喜欢。
        做好以后告诉我味道怎么样。
        祝你顺利，也替我问候{ren}。
        剩下的放冰箱，第{few}天之前吃完。
        配上{liao}会更香。
        慢慢来，不用着急。
    """),
    follow_ups=pairs("""
        没有姜可以吗？
            可以，换成{number}克蒜末，最后多放一点醋就行。
        可以提前一天做好吗？
            可以，不过{liao}要等到吃之前再放，重新加热{number}分钟。
        {number}个人要准备多少？
            大约{number}0克就够了，{liao}多放一倍。
    """),
)


def chinese(draw: Draw) -> Record:
    """One record in Chinese, without spaces between sentences."""
    messages = play(Speaker(draw, CHINESE_SLOTS), CHINESE)
    for message in messages:
        message["content"] = message["content"].replace("。 ", "。").replace("？ ", "？")
    return {"messages": messages, "source": "polyglot-zh"}


def persian(draw: Draw) -> Record:
    """One record in Persian."""
    return {"messages": play(Speaker(draw, PERSIAN_SLOTS), PERSIAN), "source": "polyglot-fa"}
