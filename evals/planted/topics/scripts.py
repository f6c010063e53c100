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
    "ghaza": words(
        "آش رشته|خورش بادمجان|سوپ جو|کوکو سبزی|پلو با عدس|سالاد خیار|شیرینی گردویی|حلیم|کتلت|دلمه"
    ),
    "key": words("دیروز|امروز صبح|هفته{nj}ی گذشته|سه روز پیش|دوشنبه|بعد از ناهار|در بهار|شب گذشته"),
    "kas": words("خانم رضایی|آقای کریمی|سارا|معلم مدرسه|مادربزرگ|آشپز محله|تعمیرکار|نگهبان"),
}
PERSIAN: Final = Scene(
    settles=("vasile", "ghaza"),
    opening=lines("""
        سلام، {vasile} را {key} خریدم و حالا روشن نمی{nj}شود.
        می{nj}خواهم برای {kas} {ghaza} بپزم.
        سفارش {order} هنوز به دستم نرسیده است.
        {kas} {key} گفت که {vasile} خراب شده است.
        {key} {ghaza} درست کردم ولی خوب نشد.
    """),
    detail=lines("""
        شماره{nj}ی آن {code} است.
        فقط {number} دقیقه وقت دارم.
        {kas} می{nj}گوید باید عوض شود.
        {key} هم تماس گرفتم.
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
        برای {ghaza} کمی صبر لازم است.
    """),
    steps=lines("""
        ابتدا {vasile} را خاموش کنید و {number} دقیقه صبر کنید.
        پیاز را ریز خرد کنید و با شعله{nj}ی کم سرخ کنید.
        از {kas} بپرسید رسید را نگه داشته است یا نه.
        شماره{nj}ی {order} را روی جعبه بنویسید.
        بعد از {number} دقیقه نمک و لیمو را اضافه کنید.
        اگر {key} هم همین{nj}طور بود، عکس بفرستید.
        بگذارید {ghaza} آرام{nj}آرام جا بیفتد.
    """),
    closing=lines("""
        نتیجه را {key} برایم بنویسید.
        شماره{nj}ی پیگیری {code} است.
        نوش جان {kas}!
        تا روز {day} پاسخ می{nj}دهیم.
    """),
    follow_ups=pairs("""
        بدون پیاز هم می{nj}شود؟
            بله، {number} گرم هویج رنده{nj}شده بریزید و کمی بیشتر هم بزنید.
        هزینه{nj}اش چقدر است؟
            حدود {number} یورو، و اگر قطعه لازم باشد {tens} یورو بیشتر می{nj}شود.
    """),
)

CHINESE_SLOTS: Final[dict[str, tuple[str, ...]]] = {
    **PLAIN,
    "dongxi": words(
        "电水壶|台灯|打印机|咖啡机|门铃|电子秤|收音机|空气净化器|缝纫机|键盘|投影仪|自行车灯|加湿器|闹钟"
    ),
    "cai": words(
        "番茄鸡蛋面|土豆炖牛肉|香菇青菜|南瓜粥|红豆汤|葱油饼|凉拌黄瓜|豆腐煲|玉米排骨汤|芹菜炒虾仁|蒸鱼|萝卜糕"
    ),
    "shihou": words("昨天|今天早上|上个星期三|{number}天前|周末|中午以后|上个月|前天晚上|春节期间"),
    "ren": words("小林|邻居|房东|李阿姨|王老师|楼下的师傅|新来的实习生|店长|张先生|奶奶"),
}
CHINESE: Final = Scene(
    settles=("dongxi", "cai"),
    opening=lines("""
        你好，{shihou}买的{dongxi}突然不能用了，型号是{code}。
        {ren}想吃{cai}，可是我从来没有做过。
        订单{order}一直停在{town}，{shihou}就没有更新过。
        {shihou}我做了{cai}，味道却很淡，{ren}只吃了一口。
        {ren}送给我一个{dongxi}，说明书上缺了第{number}页。
        账单{order}上多收了{number}元，{shihou}才发现。
    """),
    detail=lines("""
        家里只有{number}克面粉和一点酱油。
        {ren}说可能是电源的问题。
        我{shihou}已经试过重新启动。
        保修到{day}号就结束了。
        我只剩下{number}分钟。
    """),
    question=lines("""
        请问应该怎么办？
        可以帮我看一下吗？
        这样正常吗？
        大概需要多长时间？
        要不要寄回{town}？
    """),
    reply=lines("""
        当然可以，我们一步一步来。
        谢谢你提供的编号{code}，我已经查到了。
        别担心，{dongxi}出现这种情况很常见。
        做{cai}最重要的是火候。
        很抱歉让你久等，{name}正在处理。
    """),
    steps=lines("""
        先拔掉{dongxi}的插头，等{number}分钟再打开。
        把葱和姜切碎，用小火慢慢炒香。
        请在箱子上写清楚{order}，方便{ren}查找。
        加{number}毫升热水，盖上锅盖再煮一会儿。
        检查一下底部编号为{code}的零件有没有松动。
        出锅之前再放盐，不然{cai}会太咸。
        如果{shihou}还是这样，就拍一张照片发给我们。
        让{ren}帮你扶住，再拧紧第{tens}颗螺丝。
        多收的{number}元会在{day}号之前退回。
    """),
    closing=lines("""
        有问题随时告诉我，参考编号是{code}。
        希望{ren}会喜欢。
        {town}的柜台每天上午都有人，可以带着{order}过去。
        {day}号之前我会再联系你。
        祝你顺利，也替我问候{ren}。
    """),
    follow_ups=pairs("""
        没有姜可以吗？
            可以，换成{number}克蒜末，最后多放一点醋就行。
        {ren}可以代我去取吗？
            可以，带上编号{code}，{day}号以前都行。
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
